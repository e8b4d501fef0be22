-- push/185_read_lost_asset.sql
-- Purpose: what an asset that is to be uploaded anew was like.                  Input: operation_id
-- Output:  one row, in the words of an upload
select
  m.public_id, m.resource_type, m.delivery_type, m.tags, m.context, m.metadata, m.asset_folder, m.display_name,
  m.access_control
from outbox.operation as o
inner join public.media_assets as m on o.media_asset_id = m.id
where o.id = :operation_id
