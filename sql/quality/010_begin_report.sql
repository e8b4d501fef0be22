-- quality/010_begin_report.sql
-- Purpose: begin a report; what is compared with the cloud is kept under it.
-- Input:   run_id (null outside of a run)               Output: its number, and the time of the database
-- Writes:  quality.report
insert into quality.report (run_id, asset_count, seal_digest)
select
  cast(:run_id as bigint),
  (select count(*) from public.media_assets as m where m.deleted_at is null),
  (select s.digest from public.media_sync_log_seal as s order by s.id desc limit 1)
returning id, started_at, asset_count, seal_digest
