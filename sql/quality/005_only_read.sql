-- quality/005_only_read.sql
-- Purpose: a transaction in which nothing can be written, whatever is asked in it.
select set_config('transaction_read_only', 'on', true)
