-- canary/020_begin_touch.sql
-- Purpose: the number that the canary is about to show.    Input: run_id, asset_id    Output: id
-- Writes:  ops.canary_touch
insert into ops.canary_touch (run_id, asset_id)
values (:run_id, :asset_id)
returning id
