-- reads/210_read_live_assets.sql
-- Purpose: live rows by asset_id, as documents, for the comparison with the cloud.
-- Input:   asset_ids                                    Output: asset_id, fields (jsonb by column)
-- Cost:    one key look-up an asset
select a.asset_id, to_jsonb(a) - 'search' - 'custom' as fields
from public.media_assets as a
where a.asset_id = any(cast(:asset_ids as text[])) and a.deleted_at is null
