-- reads/085_read_allowance.sql
-- Purpose: the allowance of Admin API calls as the last answer told it, and what we spent of it in this hour.
-- Output:  no row before the first answer
select
  b.limit_count,
  -- An allowance whose hour is over was given anew, though no answer has said so yet.
  case when b.reset_at > now() then b.remaining_count else b.limit_count end as remaining_count,
  b.reset_at,
  b.observed_at,
  coalesce((
    select jsonb_object_agg(c.purpose, c.call_count) from ops.api_call as c
    where c.window_at = date_trunc('hour', now())
  ), '{}') as spent_by_purpose
from ops.api_budget as b
