-- demo/030_rename.sql
-- Purpose: an editor gives a scan a name that says what it shows, as plain SQL of the demo.
-- Output:  public_id each                               Writes: public.media_assets
update public.media_assets
set public_id = 'slides/chimneys-1962'
where public_id = 'slides/box-07-04' and deleted_at is null
returning public_id
