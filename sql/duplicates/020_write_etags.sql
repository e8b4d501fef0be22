-- duplicates/020_write_etags.sql
-- Purpose: what Cloudinary said of the bytes of some assets.
-- Input:   asset_ids, versions, etags (arrays of one length, without repetition)
-- Writes:  mirror.asset_etag
insert into mirror.asset_etag as e (asset_id, version, etag)
select t.asset_id, t.version, t.etag
from unnest(cast(:asset_ids as text[]), cast(:versions as bigint[]), cast(:etags as text[])) as t (asset_id, version, etag)
on conflict (asset_id) do update
set version = excluded.version, etag = excluded.etag, read_at = excluded.read_at
