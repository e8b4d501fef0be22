-- mirror/440_write_metadata_fields.sql
-- Purpose: definitions that are new or changed.         Output: external_id each
-- Input:   documents (a JSON array, in Cloudinary's order)
-- Writes:  public.media_metadata_fields
insert into public.media_metadata_fields as f (
  external_id, label, type, is_mandatory, default_value, validation, datasource, document, position
)
select
  d.document ->> 'external_id',
  coalesce(d.document ->> 'label', d.document ->> 'external_id'),
  d.document ->> 'type',
  coalesce(d.document -> 'mandatory' = 'true'::jsonb, false),
  nullif(d.document -> 'default_value', 'null'),
  nullif(d.document -> 'validation', 'null'),
  nullif(d.document -> 'datasource', 'null'),
  d.document,
  d.position - 1
from jsonb_array_elements(cast(:documents as jsonb)) with ordinality as d (document, position)
order by 1
on conflict (external_id) do update
  set
    label = excluded.label,
    type = excluded.type,
    is_mandatory = excluded.is_mandatory,
    default_value = excluded.default_value,
    validation = excluded.validation,
    datasource = excluded.datasource,
    document = excluded.document,
    position = excluded.position
  where (f.document, f.position) is distinct from (excluded.document, excluded.position)
returning f.external_id
