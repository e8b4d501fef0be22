-- push/100_mark_stale.sql
-- Purpose: items of approved plans whose operation is not what was approved any more; the next plan has it anew.
-- Output:  operation_id each                            Writes: outbox.push_plan_item
update outbox.push_plan_item as i
set state = 'stale'
from outbox.push_plan as p, outbox.operation as o
where
  i.push_plan_id = p.id and i.operation_id = o.id and p.state = 'approved' and i.state = 'planned'
  and (
    o.state <> 'pending' or i.digest <> outbox.operation_digest(o.id, o.kind, o.asset_id, o.base, o.wanted)
  )
returning i.operation_id
