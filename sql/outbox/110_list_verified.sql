-- outbox/110_list_verified.sql
-- Purpose: assets of which a read has shown what became of an operation: nothing of them waits to be read, and
--          media_assets has taken over what was read. A deletion may have been done by somebody else.
-- Output:  asset_id each, in order
select distinct o.asset_id
from outbox.operation as o
inner join mirror.asset_sighting as s on o.asset_id = s.asset_id and s.state <> 'suspect'
inner join mirror.remote_asset as r on o.asset_id = r.asset_id
inner join public.media_assets as m on o.asset_id = m.asset_id
where
  (o.state in ('sent', 'unknown') or (o.state = 'pending' and o.kind = 'delete' and s.state = 'tombstone'))
  and (s.state = 'tombstone' or m.applied_fingerprint = r.fingerprint)
  and not exists (select from mirror.verify_queue as q where q.asset_id = o.asset_id)
order by o.asset_id
