-- quality/100_list_reports.sql
-- Purpose: reports of the last days with what they counted, oldest first.
-- Input:   since_days                                    Output: one row a report
select
  r.id, r.started_at, r.asset_count, r.page,
  count(*) filter (where e.state = 'met') as met_count,
  count(*) filter (where e.state = 'failed') as failed_count,
  count(*) filter (where e.state = 'unknown') as unknown_count,
  count(*) filter (where e.state = 'failed' and e.severity = 'critical') as critical_count,
  coalesce(sum(e.unexpected_count), 0) as unexpected_count
from quality.report as r
inner join quality.result as e on r.id = e.report_id
where r.finished_at is not null and r.started_at > now() - make_interval(days => :since_days)
group by r.id
order by r.id
