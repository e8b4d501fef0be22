-- push/020_find_standing_plan.sql
-- Purpose: the plan over exactly these operations that stands already.
-- Input:   part, digest                                 Output: at most one row
select p.id, p.state from outbox.push_plan as p
where p.part = :part and p.digest = :digest and p.state in ('held', 'approved')
order by p.id desc
limit 1
