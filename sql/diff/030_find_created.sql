-- diff/030_find_created.sql
-- Purpose: live assets of the mirror that media_assets does not have. One that was uploaded anew for a lost asset gets no
--          row of its own: the lost one's goes on as it, once its operation ends.
-- Writes:  diff.change
-- Cost:    one hash anti-join of two keys, and two of the restorations on their way
insert into diff.change (change_set_id, asset_id, kind, remote_fingerprint)
with awaited as materialized (
  select o.wanted ->> 'asset_id' as asset_id, m.public_id, m.resource_type, m.delivery_type
  from outbox.operation as o
  inner join public.media_assets as m on o.media_asset_id = m.id
  where o.kind = 'restore' and o.state in ('pending', 'leased', 'unknown', 'sent')
)

select :change_set_id, r.asset_id, 'created', r.fingerprint
from mirror.remote_asset as r
inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
where
  s.state <> 'tombstone'
  and not exists (select from public.media_assets as m where m.asset_id = r.asset_id)
  and not exists (select from awaited as w where w.asset_id = r.asset_id)
  and not exists (
    select from awaited as w
    where w.public_id = r.public_id and w.resource_type = r.resource_type and w.delivery_type = r.delivery_type
  )
order by r.asset_id
