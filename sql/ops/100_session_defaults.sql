-- ops/100_session_defaults.sql
-- Purpose: the settings of every session of this program.
-- Input:   none            Output: one row, the settings as they are now
-- Writes:  nothing         Locks:  none
-- Why:     by statement and not as start-up options, which poolers in front of Postgres refuse. The keepalives
--          free the locks of a machine that vanished after a minute instead of two hours.
select
  set_config('TimeZone', 'UTC', false) as time_zone,
  set_config('lock_timeout', '30s', false) as lock_timeout,
  set_config('idle_in_transaction_session_timeout', '5min', false) as idle_in_transaction_timeout,
  set_config('tcp_keepalives_idle', '30', false) as keepalives_idle,
  set_config('tcp_keepalives_interval', '10', false) as keepalives_interval,
  set_config('tcp_keepalives_count', '3', false) as keepalives_count;
