-- reads/080_read_statistics.sql
-- Purpose: the figures that people ask for first.       Output: one jsonb object
select public.get_media_statistics() as statistics
