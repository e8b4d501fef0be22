-- outbox/195_record_again.sql
-- Purpose: an edit whose conflict was decided for it is to be pushed over the remote value that lost.
-- Input:   conflict_id, actor                           Writes: through outbox.record_decided()
select outbox.record_decided(:conflict_id, :actor)
