-- reads/920_are_definitions_due.sql
-- Purpose: whether folders or definitions changed, by what was heard, after they were last read.
-- Output:  is_due
select exists (
  select 1
  from landing.notification as n
  where
    (
      n.outcome = 'folders'
      and n.landed_at > coalesce(
        (select max(r.started_at) from ops.run as r where r.counts ? 'folders' and r.state <> 'failed'), '-infinity'
      )
    )
    or (
      n.is_undefined
      and n.landed_at > coalesce(
        (select max(r.started_at) from ops.run as r where r.counts ? 'metadata_fields' and r.state <> 'failed'), '-infinity'
      )
    )
) as is_due
