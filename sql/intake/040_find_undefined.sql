-- intake/040_find_undefined.sql
-- Purpose: structured metadata that we have no definition of.    Input: external_ids      Output: external_id
select named.external_id
from unnest(cast(:external_ids as text[])) as named (external_id)
where not exists (select 1 from public.media_metadata_fields as f where f.external_id = named.external_id)
