-- push/140_record_results.sql
-- Purpose: what came of some attempts, the same of each; void without the lease under which they were made.
-- Input:   operation_ids, lease, state, outcome, pause_seconds, counts (whether it counts as an attempt)
-- Output:  id and asset_id of each whose lease was valid        Writes: outbox.operation
update outbox.operation as o
set
  state = :state, outcome = :outcome, lease = null, leased_until = null,
  not_before = case
    when :state = 'pending' then clock_timestamp() + make_interval(secs => :pause_seconds) else o.not_before
  end,
  attempt_count = o.attempt_count - case when :counts then 0 else 1 end,
  finished_at = case when :state in ('refused', 'conflict') then clock_timestamp() end
from (
  select l.id from outbox.operation as l
  where l.id = any(cast(:operation_ids as bigint[])) and l.state = 'leased' and l.lease = cast(:lease as uuid)
  order by l.id
  for update
) as mine
where o.id = mine.id
returning o.id, o.asset_id
