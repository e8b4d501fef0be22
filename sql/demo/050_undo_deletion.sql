-- demo/050_undo_deletion.sql
-- Purpose: an editor takes one of the deletions back before it is pushed, as plain SQL of the demo.
-- Output:  how it was undone                            Writes: through public.restore_media_asset()
select public.restore_media_asset(m.id, 'deleted by mistake') as undone
from public.media_assets as m
where m.public_id = 'maps/cycle-routes' and m.deleted_at is not null
