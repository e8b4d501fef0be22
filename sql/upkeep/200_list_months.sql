-- upkeep/200_list_months.sql
-- Purpose: months of the log that have a partition of their own, oldest first.
-- Input:   days                                         Output: month, from_at, end_at, is_due (older than so many days)
select m.month, m.from_at, m.end_at, m.end_at <= now() - make_interval(days => :days) as is_due
from (
  select
    e.month, cast(e.month || '-01' as timestamp) at time zone 'utc' as from_at,
    (cast(e.month || '-01' as timestamp) + interval '1 month') at time zone 'utc' as end_at
  from (
    select replace(right(cast(c.relname as text), 7), '_', '-') as month
    from pg_inherits as i
    inner join pg_class as c on i.inhrelid = c.oid
    where i.inhparent = cast('public.media_sync_log' as regclass) and c.relname ~ '^media_sync_log_[0-9]{4}_[0-9]{2}$'
  ) as e
) as m
order by m.month
