-- push/145_name_asset.sql
-- Purpose: the asset that an upload made: of an operation of its own, or of one that restores a lost asset.
-- Input:   operation_id, lease, asset_id                Writes: outbox.operation
update outbox.operation as o
set
  asset_id = case o.kind when 'upload' then :asset_id else o.asset_id end,
  base = case o.kind when 'restore' then jsonb_build_object('asset_id', o.asset_id) else o.base end,
  wanted = case o.kind when 'restore' then jsonb_build_object('asset_id', cast(:asset_id as text)) else o.wanted end
where o.id = :operation_id and o.state = 'leased' and o.lease = cast(:lease as uuid)
