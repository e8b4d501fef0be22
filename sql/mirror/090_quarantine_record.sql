-- mirror/090_quarantine_record.sql
-- Purpose: set one bad record aside with its bytes and the reason; the same record again only counts.
-- Writes:  mirror.quarantine
insert into mirror.quarantine as q (listing_run_id, page_number, asset_id, reason, detail, body, body_digest)
values (:listing_run_id, :page_number, :asset_id, :reason, :detail, :body, :body_digest)
on conflict (body_digest) do update
  set
    listing_run_id = excluded.listing_run_id,
    page_number = excluded.page_number,
    seen_count = q.seen_count + 1,
    last_seen_at = clock_timestamp(),
    resolved_at = null
