-- listing/150_find_recent_low.sql
-- Purpose: where the next recent window begins.
-- Input:   overlap_seconds
-- Output:  low_at: the end of the last one less the overlap; where its index was in flux its own beginning, for a day
--          at most. Null before the first one. listed_age_seconds: how long ago, by this clock alone, the walks began
--          that the first one continues; null where nothing was ever listed.
select
  (
    select
      case
        when w.missing_count > 0 and w.high_at - w.low_at < interval '1 day' then w.low_at
        else w.high_at - make_interval(secs => :overlap_seconds)
      end
    from landing.change_window as w
    where w.kind = 'recent' and w.state = 'complete'
    order by w.id desc
    limit 1
  ) as low_at,
  (
    select extract(epoch from clock_timestamp() - min(newest.started_at))
    from (
      select distinct on (l.resource_type, l.delivery_type) l.started_at
      from landing.listing_run as l
      where l.state in ('complete', 'held', 'closed')
      order by l.resource_type asc, l.delivery_type asc, l.id desc
    ) as newest
  ) as listed_age_seconds
