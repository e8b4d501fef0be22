-- quality/005_only_read.sql
-- Purpose: a transaction in which nothing can be written, whatever is asked in it.
set transaction read only
