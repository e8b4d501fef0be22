-- listing/020_begin_run.sql
-- Purpose: a new walk of a slice. Its touch_low is taken before the first request.
-- Input:   run_id, resource_type, delivery_type, scope, restart_count     Output: id, touch_low
-- Writes:  landing.listing_run
insert into landing.listing_run (run_id, resource_type, delivery_type, scope, restart_count, touch_low)
values (:run_id, :resource_type, :delivery_type, :scope, :restart_count, nextval('mirror.touch_seq'))
returning id, touch_low
