-- mirror/110_read_page.sql
-- Purpose: one landed page with what its walk was.
-- Input:   listing_run_id, page_number; may_repeat: a page that was proved is not read whole
-- Output:  body: null where the same records were taken over whole before (115_repeat_page)
select
  p.touch_low, p.request_id, p.asset_count, l.resource_type, l.delivery_type, p.records_digest,
  case
    when not :may_repeat or not exists (
      select from mirror.proved_page as e
      where
        e.resource_type = l.resource_type and e.delivery_type = l.delivery_type and e.records_digest = p.records_digest
    ) then p.body
  end as body
from landing.listing_page as p
inner join landing.listing_run as l on p.listing_run_id = l.id
where p.listing_run_id = :listing_run_id and p.page_number = :page_number and p.applied_at is null
