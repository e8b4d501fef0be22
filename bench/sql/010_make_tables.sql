-- bench/010_make_tables.sql
-- Purpose: the floor's tables, in a database that the migrations made.
create schema floor;
create unlogged table floor.page (body json not null);
-- Constraints, defaults, the generated column and all indexes; triggers and row-level security stay behind.
create table floor.media_assets (like public.media_assets including all);
