-- ops/105_take_role.sql
-- Purpose: act as a role until the transaction ends.
-- Input:   role            Output: one row, the role
select set_config('role', :role, true) as role
