-- audit/010_ensure_partitions.sql
-- Purpose: partitions of the log for this month and the next two, made before the first entry of a month.
select audit.ensure_partitions((now() + interval '2 months')::date) as made_count
