-- ops/070_count_call.sql
-- Purpose: one more call in the ledger.
-- Input:   now, purpose, units                          Writes: ops.api_call
insert into ops.api_call as c (window_at, purpose, call_count)
values (date_trunc('hour', cast(:now as timestamptz)), :purpose, :units)
on conflict (window_at, purpose) do update set call_count = c.call_count + excluded.call_count
