-- ops/235_list_hold_items.sql
-- Purpose: the assets of a hold with what we know of them, by name.
-- Input:   hold_id, row_limit
select i.asset_id, r.resource_type, r.delivery_type, r.public_id
from ops.hold_item as i
left join mirror.remote_asset as r on i.asset_id = r.asset_id
where i.hold_id = :hold_id
order by r.public_id, i.asset_id
limit :row_limit
