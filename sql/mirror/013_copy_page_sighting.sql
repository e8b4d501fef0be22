-- mirror/013_copy_page_sighting.sql
copy page_sighting (asset_id, resource_type, delivery_type, document_digest) from stdin with (format binary) -- noqa: PRS
