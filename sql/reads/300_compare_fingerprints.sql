-- reads/300_compare_fingerprints.sql
-- Purpose: what a sync would call these assets, told from their fingerprints; for the dry run.
-- Input:   asset_ids, public_ids, asset_folders, fingerprints (arrays of equal length)
-- Output:  asset_id, kind: one row an asset that differs    Writes: nothing
-- Cost:    one key look-up an asset
select
  e.asset_id, e.public_id,
  case
    when a.asset_id is null then 'created'
    when a.deleted_at is not null then 'restored'
    when a.public_id <> e.public_id then 'renamed'
    when (a.asset_folder is distinct from e.asset_folder) then 'moved'
    else 'updated'
  end as kind
from unnest(
  cast(:asset_ids as text[]), cast(:public_ids as text[]), cast(:asset_folders as text[]), cast(:fingerprints as bytea[])
) as e (asset_id, public_id, asset_folder, fingerprint)
left join public.media_assets as a on e.asset_id = a.asset_id
where a.asset_id is null or a.deleted_at is not null or a.applied_fingerprint <> e.fingerprint
