-- ops/060_observe_budget.sql
-- Purpose: keep what an answer said of the allowance; an answer of an older window does not win.
-- Input:   limit_count, remaining_count, reset_at       Writes: ops.api_budget
-- Why:     it does not wait for the disk, see 050_take_call
insert into ops.api_budget as b (limit_count, remaining_count, reset_at, observed_at)
select :limit_count, :remaining_count, cast(:reset_at as timestamptz), clock_timestamp()
from (select set_config('synchronous_commit', 'off', true)) as later
on conflict (id) do update
  set
    limit_count = excluded.limit_count,
    remaining_count = case
      when excluded.reset_at = b.reset_at then least(b.remaining_count, excluded.remaining_count)
      else excluded.remaining_count
    end,
    reset_at = excluded.reset_at,
    observed_at = excluded.observed_at
  where excluded.reset_at >= b.reset_at
