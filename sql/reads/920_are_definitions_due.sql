-- reads/920_are_definitions_due.sql
-- Purpose: whether folders or definitions changed, by what was heard, after they were last read.
-- Output:  is_due
select coalesce(bool_or(n.landed_at > coalesce(read.started_at, '-infinity')), false) as is_due
from (values ('folders'), ('metadata_fields')) as part (name)
left join lateral (
  select max(r.started_at) as started_at
  from ops.run as r
  where r.counts ? part.name and r.state <> 'failed'
) as read on true
left join lateral (
  select max(heard.landed_at) as landed_at
  from landing.notification as heard
  where case part.name when 'folders' then heard.outcome = 'folders' else heard.is_undefined end
) as n on true
