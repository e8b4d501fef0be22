-- intake/020_find_named.sql
-- Purpose: the assets that a message may mean by a name.
-- Input:   public_ids, resource_types, delivery_types (arrays; empty text: not told)     Output: public_id, asset_id, …
select distinct named.public_id, named.resource_type, named.delivery_type, a.asset_id
from unnest(cast(:public_ids as text[]), cast(:resource_types as text[]), cast(:delivery_types as text[]))
  as named (public_id, resource_type, delivery_type)
inner join public.media_assets as a
  on
    named.public_id = a.public_id
    and named.resource_type in ('', a.resource_type)
    and named.delivery_type in ('', a.delivery_type)
where a.asset_id is not null
