-- audit/020_append_entries.sql
-- Purpose: entries that concern no single row (a hold, the binding, what became of operations), one for each text.
-- Input:   action, cause, actor, run_id, afters (JSON texts)    Writes: public.media_sync_log
insert into public.media_sync_log (action, cause, actor, run_id, after, digest)
select
  e.action, e.cause, e.actor, e.run_id, e.after,
  audit.entry_digest(e.action, e.cause, e.actor, e.run_id, null, null, null, null, null, e.after, now())
from (
  select
    cast(:action as text) as action, cast(:cause as text) as cause, cast(:actor as text) as actor,
    cast(:run_id as bigint) as run_id, cast(t.after as jsonb) as after
  from unnest(cast(:afters as text[])) with ordinality as t (after, position)
  order by t.position
) as e
