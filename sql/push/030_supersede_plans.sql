-- push/030_supersede_plans.sql
-- Purpose: plans that are no longer what is about to be done.
-- Input:   part, kept_ids                               Writes: outbox.push_plan
update outbox.push_plan as p
set state = 'superseded', finished_at = clock_timestamp()
where p.part = :part and p.state in ('held', 'approved') and p.id <> all(cast(:kept_ids as bigint[]))
