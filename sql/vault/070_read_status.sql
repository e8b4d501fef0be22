-- vault/070_read_status.sql
-- Purpose: how much of the library the vault has, and what it holds.            Output: one row
with covered as (
  select r.size_bytes, o.sha256 is not null as is_kept
  from mirror.remote_asset as r
  inner join mirror.asset_sighting as s on r.asset_id = s.asset_id and s.state = 'live'
  left join ops.vault_copy as c on r.asset_id = c.asset_id and coalesce(r.version, 0) = c.version
  left join ops.vault_object as o on c.sha256 = o.sha256 and o.state = 'whole'
  where not r.is_placeholder
),

library as (
  select
    count(*) as asset_count,
    count(*) filter (where v.is_kept) as kept_count,
    coalesce(sum(v.size_bytes), 0)::bigint as asset_bytes,
    coalesce(sum(v.size_bytes) filter (where v.is_kept), 0)::bigint as kept_bytes
  from covered as v
),

files as (
  select
    count(*) filter (where o.state = 'whole') as file_count,
    coalesce(sum(o.size_bytes) filter (where o.state = 'whole'), 0)::bigint as file_bytes,
    count(*) filter (where o.state <> 'whole') as damaged_count,
    min(o.verified_at) filter (where o.state = 'whole') as oldest_check_at
  from ops.vault_object as o
)

select
  l.asset_count, l.asset_bytes, l.kept_count, l.kept_bytes, f.file_count, f.file_bytes, f.damaged_count, f.oldest_check_at
from library as l
cross join files as f
