-- outbox/220_name_row.sql
-- Purpose: an upload whose asset is mirrored by now knows its row.              Input: operation_id
-- Writes:  outbox.operation
update outbox.operation as o
set media_asset_id = m.id
from public.media_assets as m
where o.id = :operation_id and m.asset_id = o.asset_id
