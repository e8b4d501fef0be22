-- upkeep/010_remove_listing_pages.sql
-- Purpose: a batch of landed pages that were taken over long ago; which of them may go, the policy of the role says.
-- Input:   cutoff, after (key of the last row of the batch before, as texts; empty: the first batch), row_limit
-- Output:  next_after (null: the end), removed_count, removed_bytes
-- Writes:  landing.listing_page
with batch as materialized (
  select p.listing_run_id, p.page_number
  from landing.listing_page as p
  where
    p.applied_at < :cutoff
    and (p.listing_run_id, p.page_number) > (
      coalesce(cast((cast(:after as text[]))[1] as bigint), 0),
      coalesce(cast((cast(:after as text[]))[2] as integer), 0)
    )
  order by p.listing_run_id, p.page_number
  limit :row_limit
),

removed as (
  delete from landing.listing_page as p
  using batch as b
  where p.listing_run_id = b.listing_run_id and p.page_number = b.page_number
  returning octet_length(p.body) as size_bytes
),

last as (
  select array[cast(b.listing_run_id as text), cast(b.page_number as text)] as next_after
  from batch as b
  order by b.listing_run_id desc, b.page_number desc
  limit 1
)

select
  (select l.next_after from last as l) as next_after,
  (select count(*) from removed) as removed_count,
  (select coalesce(sum(r.size_bytes), 0) from removed as r) as removed_bytes
