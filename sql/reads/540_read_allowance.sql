-- reads/540_read_allowance.sql
-- Purpose: the allowance of Admin API calls as the last answer told it; no row before the first answer.
select limit_count, remaining_count, reset_at, observed_at from ops.api_budget
