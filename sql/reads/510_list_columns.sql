-- reads/510_list_columns.sql
-- Purpose: the columns of a table as the database itself describes them.
-- Input:   table_name, e.g. public.media_assets         Output: one row a column, in their order
select
  a.attname as name,
  format_type(a.atttypid, a.atttypmod) as type,
  not a.attnotnull as is_nullable,
  coalesce(col_description(a.attrelid, a.attnum), '') as description
from pg_attribute as a
where a.attrelid = cast(:table_name as regclass) and a.attnum > 0 and not a.attisdropped
order by a.attnum
