-- audit/020_append_entry.sql
-- Purpose: one entry that concerns no single asset (a hold, the binding).
-- Input:   action, cause, actor, run_id, after (JSON text)      Writes: public.media_sync_log
insert into public.media_sync_log (action, cause, actor, run_id, after, digest)
select
  e.action, e.cause, e.actor, e.run_id, e.after,
  audit.entry_digest(e.action, e.cause, e.actor, e.run_id, null, null, null, null, null, e.after, now())
from (
  select
    cast(:action as text) as action, cast(:cause as text) as cause, cast(:actor as text) as actor,
    cast(:run_id as bigint) as run_id, cast(:after as jsonb) as after
) as e
