-- ops/050_read_budget.sql
-- Purpose: the allowance and what was spent of it in this hour, by purpose.
-- Input:   now, purpose                                          Output: at most one row
select
  b.limit_count,
  b.remaining_count,
  b.reset_at,
  coalesce((
    select sum(c.call_count) from ops.api_call as c
    where c.window_at = date_trunc('hour', cast(:now as timestamptz)) and c.purpose = :purpose
  ), 0) as spent_count
from ops.api_budget as b
