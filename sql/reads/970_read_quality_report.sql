-- reads/970_read_quality_report.sql
-- Purpose: a report of data quality, expectation by expectation in the order in which they were written.
-- Input:   report_id                                     Output: the report's columns repeat on every row
select
  r.id, r.started_at, r.finished_at, r.asset_count, r.page,
  e.suite, e.expectation, e.severity, e.state, e.element_count, e.unexpected_count, e.sample, e.problem
from quality.report as r
inner join quality.result as e on r.id = e.report_id
where r.id = :report_id
order by e.position
