-- listing/160_wish_listing.sql
-- Purpose: a full listing is wanted that begins later than now; the first one is wished once.
-- Input:   reason                                       Writes: landing.listing_wish
insert into landing.listing_wish as w (reason, touch)
values (:reason, nextval('mirror.touch_seq'))
on conflict (reason) do update
  set touch = excluded.touch, wished_at = excluded.wished_at
  where excluded.reason <> 'first'
