-- mirror/340_release_verifications.sql
-- Purpose: entries that this read did not settle, due again after a pause that grows with the attempts.
-- Input:   asset_ids, pause_seconds                     Writes: mirror.verify_queue
update mirror.verify_queue
set
  not_before = clock_timestamp()
    + make_interval(secs => least(3600, :pause_seconds * power(2, least(attempt_count, 10)) * random()))
where asset_id = any(cast(:asset_ids as text[]))
