-- push/010_list_plannable.sql
-- Purpose: operations that could be pushed now, in the order in which they were recorded.
-- Input:   part (deletions, replacements or edits), undo_seconds, row_limit
-- Output:  one row an operation, with what it is to do as a digest, and who approved exactly that before
select
  o.id, o.kind, o.asset_id, o.base, o.wanted, o.actor, o.outcome,
  coalesce(m.public_id, o.wanted ->> 'public_id') as public_id,
  coalesce(m.resource_type, o.wanted ->> 'resource_type') as resource_type,
  coalesce(m.delivery_type, o.wanted ->> 'delivery_type') as delivery_type,
  d.digest,
  (
    select p.decided_by
    from outbox.push_plan_item as i
    inner join outbox.push_plan as p on i.push_plan_id = p.id
    where
      i.operation_id = o.id and i.digest = d.digest
      and p.state in ('approved', 'applied', 'superseded') and p.decided_by <> 'guard'
    order by p.id desc
    limit 1
  ) as approved_by
from outbox.operation as o
cross join lateral (select outbox.operation_digest(o.id, o.kind, o.asset_id, o.base, o.wanted) as digest) as d
-- An upload has no asset yet.
left join public.media_assets as m on o.media_asset_id = m.id
where
  o.state = 'pending'
  and case o.kind when 'delete' then 'deletions' when 'replace' then 'replacements' else 'edits' end = :part
  and o.not_before <= clock_timestamp()
  and (o.kind <> 'delete' or o.edited_at <= clock_timestamp() - make_interval(secs => :undo_seconds))
order by o.id
limit :row_limit
