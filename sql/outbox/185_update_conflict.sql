-- outbox/185_update_conflict.sql
-- Purpose: Cloudinary's side of an open conflict moved on.
-- Input:   conflict_id, remote                          Writes: outbox.conflict
update outbox.conflict set remote = cast(:remote as jsonb) where id = :conflict_id and state = 'open'
