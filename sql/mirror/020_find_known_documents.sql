-- mirror/020_find_known_documents.sql
-- Purpose: which of these records hold exactly the bytes that we hold; they need not be normalized again.
-- Input:   asset_ids, digests (arrays of equal length)  Output: asset_id, slice
-- Cost:    one primary key look-up a record
select r.asset_id, r.resource_type, r.delivery_type
from unnest(cast(:asset_ids as text[]), cast(:digests as bytea[])) as p (asset_id, digest)
inner join mirror.remote_asset as r on p.asset_id = r.asset_id and p.digest = r.document_digest
where not r.is_placeholder
