-- quality/030_write_results.sql
-- Purpose: keep what became of each expectation.
-- Input:   report_id, results (a JSON list of objects)
-- Writes:  quality.result
insert into quality.result (
  report_id, suite, expectation, position, severity, state, element_count, unexpected_count, sample, problem
)
select
  :report_id, r.suite, r.expectation, r.position, r.severity, r.state, r.element_count, r.unexpected_count, r.sample, r.problem
from jsonb_to_recordset(cast(:results as jsonb)) as r (
  suite text, expectation text, position integer, severity text, state text, element_count bigint, unexpected_count bigint, sample jsonb,
  problem text
)
