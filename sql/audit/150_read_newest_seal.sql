-- audit/150_read_newest_seal.sql
-- Purpose: how many seals there are, how many of them lie behind one, and the newest.
-- Input:   after_seal_id
-- Output:  seal_count, computed_count, seal_id, sealed_at, digest (hexadecimal); no row before the first seal
select
  count(*) over () as seal_count, count(*) filter (where s.id > :after_seal_id) over () as computed_count,
  s.id as seal_id, s.sealed_at, encode(s.digest, 'hex') as digest
from public.media_sync_log_seal as s
order by s.id desc
limit 1
