-- listing/050_land_page.sql
-- Purpose: keep one answer as received.                 Writes: landing.listing_page
insert into landing.listing_page (
  listing_run_id, page_number, touch_low, cursor, body, body_size_bytes, body_digest, records_digest, asset_count,
  request_id, received_at
)
values (
  :listing_run_id, :page_number, :touch_low, :cursor, :body, :body_size_bytes, :body_digest, :records_digest,
  :asset_count, :request_id, :received_at
)
