-- reads/740_find_reverted.sql
-- Purpose: what a return to a time would change.        Input: at, folder (null for all; those below it included)
-- Output:  asset_id, public_id, fields (what differs), and whether it would be deleted or restored
select
  m.asset_id, m.public_id, e.fields,
  m.deleted_at is null and w.deleted_at is not null as is_deleted,
  m.deleted_at is not null and w.deleted_at is null as is_restored
from public.media_assets as m
inner join public.media_assets_at(:at) as w on m.id = w.id
cross join lateral (
  select array_remove(array[
    case when m.public_id <> w.public_id then 'public_id' end,
    case when m.tags <> w.tags then 'tags' end,
    case when m.context <> w.context then 'context' end,
    case when m.metadata <> w.metadata then 'metadata' end,
    case when m.display_name is distinct from w.display_name then 'display_name' end,
    case when m.asset_folder is distinct from w.asset_folder then 'asset_folder' end,
    case when m.access_control is distinct from w.access_control then 'access_control' end
  ], null) as fields
) as e
where
  (cast(:folder as text) is null or w.asset_folder = :folder or starts_with(w.asset_folder, :folder || '/'))
  and ((m.deleted_at is null) <> (w.deleted_at is null) or (m.deleted_at is null and e.fields <> '{}'))
order by m.asset_id
