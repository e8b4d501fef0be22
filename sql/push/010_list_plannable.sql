-- push/010_list_plannable.sql
-- Purpose: operations that could be pushed now, in the order in which they were recorded.
-- Input:   part (deletions or edits), undo_seconds, row_limit
-- Output:  one row an operation, with what it is to do as a digest
select
  o.id, o.kind, o.asset_id, o.base, o.wanted, m.resource_type, m.delivery_type,
  outbox.operation_digest(o.id, o.kind, o.asset_id, o.base, o.wanted) as digest
from outbox.operation as o
inner join public.media_assets as m on o.media_asset_id = m.id
where
  o.state = 'pending' and (o.kind = 'delete') = (:part = 'deletions')
  and o.not_before <= clock_timestamp()
  and (o.kind <> 'delete' or o.edited_at <= clock_timestamp() - make_interval(secs => :undo_seconds))
order by o.id
limit :row_limit
