-- mirror/065_prove_page.sql
-- Purpose: every record of a page was good and won, so the same page needs no second look (115_repeat_page).
-- Input:   resource_type, delivery_type, records_digest; touch (of 030_win_sightings); temp table page_sighting
-- Writes:  mirror.proved_page
insert into mirror.proved_page (resource_type, delivery_type, records_digest, touch, asset_ids)
select
  :resource_type, :delivery_type, :records_digest, :touch, coalesce(array_agg(p.asset_id order by p.asset_id), '{}')
from page_sighting as p
on conflict (resource_type, delivery_type, records_digest) do update
  set touch = excluded.touch, asset_ids = excluded.asset_ids
