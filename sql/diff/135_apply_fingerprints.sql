-- diff/135_apply_fingerprints.sql
-- Purpose: fingerprints that moved without a field; nothing that people see changed, so nothing is logged.
-- Input:   change_set_id, first_id, last_id             Writes: public.media_assets
update public.media_assets as m
set applied_fingerprint = r.fingerprint
from diff.change as c
inner join mirror.remote_asset as r on c.asset_id = r.asset_id and c.remote_fingerprint = r.fingerprint
where
  c.change_set_id = :change_set_id and c.asset_id between :first_id and :last_id
  and c.state = 'pending' and c.kind = 'updated' and c.fields = '{}'
  and m.asset_id = c.asset_id and m.applied_fingerprint <> c.remote_fingerprint
  and not exists (select from outbox.overlaid_asset as v where v.asset_id = c.asset_id)
