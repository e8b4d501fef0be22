-- mirror/020_find_unknown_documents.sql
-- Purpose: the records of a page whose bytes are not the ones we hold; the others need not be normalized again.
-- Input:   temp table page_sighting                     Output: asset_id each
-- Cost:    one primary key look-up a record; as a join it would be planned as a scan while the mirror is small, and
--          a kept plan stays when it has grown
select p.asset_id
from page_sighting as p
where (
  select
    r.document_digest = p.document_digest and r.resource_type = p.resource_type and r.delivery_type = p.delivery_type
    and not r.is_placeholder
  from mirror.remote_asset as r
  where r.asset_id = p.asset_id
) is not true
