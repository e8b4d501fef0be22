-- ops/050_take_call.sql
-- Purpose: take one call out of the allowance, unless that, or the purpose's share of it, is spent in this window.
-- Input:   now, purpose, share (of the allowance)
-- Output:  is_taken; the allowance as far as it is known, else null
-- Writes:  ops.api_call
-- Why:     it does not wait for the disk: a crash of the server may lose its last moment
with budget as materialized (
  select
    b.limit_count, b.remaining_count, b.reset_at,
    coalesce((
      select sum(c.call_count) from ops.api_call as c
      where c.window_at = date_trunc('hour', cast(:now as timestamptz)) and c.purpose = :purpose
    ), 0) as spent_count
  from ops.api_budget as b
  where b.reset_at > cast(:now as timestamptz)
),

taken as (
  insert into ops.api_call as c (window_at, purpose, call_count)
  select date_trunc('hour', cast(:now as timestamptz)), :purpose, 1
  from (select set_config('synchronous_commit', 'off', true)) as later
  where not exists (
    select from budget as b
    where b.remaining_count <= 0 or b.spent_count >= cast(:share as double precision) * b.limit_count
  )
  on conflict (window_at, purpose) do update set call_count = c.call_count + excluded.call_count
  returning c.call_count
)

select
  exists(select from taken) as is_taken,
  (select b.remaining_count from budget as b) as remaining_count,
  (select b.reset_at from budget as b) as reset_at
