-- push/020_find_standing_plan.sql
-- Purpose: the plan over exactly these operations that stands already. One of which something was tried is no more what it
--          was: what came back to wait would never be taken again.
-- Input:   part, digest                                 Output: at most one row
select p.id, p.state from outbox.push_plan as p
where p.part = :part and p.digest = :digest and p.state in ('held', 'approved')
  and not exists (select from outbox.push_plan_item as i where i.push_plan_id = p.id and i.state <> 'planned')
order by p.id desc
limit 1
