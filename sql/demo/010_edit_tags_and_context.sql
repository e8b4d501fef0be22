-- demo/010_edit_tags_and_context.sql
-- Purpose: an editor describes posters, as plain SQL of the demo.
-- Output:  public_id each                               Writes: public.media_assets
update public.media_assets
set tags = tags || '{reprint}', context = context || jsonb_build_object('print_run', '500')
where public_id in ('posters/night-of-the-foghorns', 'posters/a-summer-of-trams') and deleted_at is null
returning public_id
