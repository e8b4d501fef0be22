-- vault/030_write_copy.sql
-- Purpose: the bytes of a version of an asset, proved.  Input: asset_id, version, sha256
-- Writes:  ops.vault_copy
insert into ops.vault_copy (asset_id, version, sha256)
values (:asset_id, :version, :sha256)
on conflict (asset_id, version) do update
  set sha256 = excluded.sha256, kept_at = clock_timestamp()
