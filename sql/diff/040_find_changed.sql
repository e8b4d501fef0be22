-- diff/040_find_changed.sql
-- Purpose: live assets whose mirrored state is not the one that was applied, with the fields that differ.
--          A fingerprint may move without a field (a new version of the normalizing code): no fields, no entry in the log.
-- Writes:  diff.change
-- Cost:    one hash join of two fingerprints; rows are compared field by field only where these differ
insert into diff.change (change_set_id, asset_id, kind, fields, before, after, remote_fingerprint)
with differing as (
  select r.asset_id, r.fingerprint, is_back.value as was_deleted, to_jsonb(r) as remote, to_jsonb(m) as applied
  from mirror.remote_asset as r
  inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
  inner join public.media_assets as m on r.asset_id = m.asset_id
  -- A row that people deleted is to be deleted in Cloudinary, not to come back.
  cross join lateral (
    select
      m.deleted_at is not null and not exists (
        select from outbox.operation as o
        where o.asset_id = m.asset_id and o.kind = 'delete' and o.state in ('pending', 'leased', 'unknown', 'sent')
      ) as value
  ) as is_back
  where s.state <> 'tombstone' and (m.applied_fingerprint <> r.fingerprint or is_back.value)
  -- Else the planner writes both rows as JSON once a field: 20 times as slow.
  offset 0 -- noqa: AM09
),

compared as (
  select d.asset_id, d.fingerprint, d.was_deleted, e.fields, e.before, e.after
  from differing as d
  cross join lateral (
    select
      coalesce(array_agg(f.name order by f.position), '{}') as fields,
      jsonb_object_agg(f.name, d.applied -> f.name) as before,
      jsonb_object_agg(f.name, d.remote -> f.name) as after
    from mirror.asset_field as f
    where d.applied -> f.name is distinct from d.remote -> f.name
  ) as e
)

select
  :change_set_id, c.asset_id,
  case
    when c.was_deleted then 'restored'
    when 'public_id' = any(c.fields) then 'renamed'
    when 'asset_folder' = any(c.fields) then 'moved'
    else 'updated'
  end,
  c.fields, c.before, c.after, c.fingerprint
from compared as c
order by c.asset_id
