-- diff/030_find_created.sql
-- Purpose: live assets of the mirror that media_assets does not have.
-- Writes:  diff.change
-- Cost:    one hash anti-join of two keys
insert into diff.change (change_set_id, asset_id, kind, remote_fingerprint)
select :change_set_id, r.asset_id, 'created', r.fingerprint
from mirror.remote_asset as r
inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
where
  s.state <> 'tombstone'
  and not exists (select from public.media_assets as m where m.asset_id = r.asset_id)
order by r.asset_id
