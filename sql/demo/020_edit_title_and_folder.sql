-- demo/020_edit_title_and_folder.sql
-- Purpose: an editor files a chart elsewhere under another title, as plain SQL of the demo.
-- Output:  public_id each                               Writes: public.media_assets
update public.media_assets
set display_name = 'Where the budget went', asset_folder = 'Statistics/Yearbook 2024'
where public_id = 'statistics/where-the-budget-goes' and deleted_at is null
returning public_id
