-- reads/200_list_asset_fields.sql
-- Purpose: the mirrored fields, in their order.
select f.name, f.kind from mirror.asset_field as f order by f.position
