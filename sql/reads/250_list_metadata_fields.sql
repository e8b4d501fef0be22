-- reads/250_list_metadata_fields.sql
-- Purpose: the definitions of structured metadata, in Cloudinary's order.
select f.external_id, f.label, f.type, f.is_mandatory, f.default_value, f.validation, f.datasource
from public.media_metadata_fields as f
order by f.position
