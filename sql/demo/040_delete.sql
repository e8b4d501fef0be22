-- demo/040_delete.sql
-- Purpose: an editor deletes two assets, as plain SQL of the demo.
-- Output:  public_id each                               Writes: public.media_assets
update public.media_assets
set deleted_at = now()
where public_id in ('legacy/newspaper', 'maps/cycle-routes') and deleted_at is null
returning public_id
