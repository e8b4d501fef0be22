-- audit/180_find_seal.sql
-- Purpose: whether a seal that was noted elsewhere is in the chain.             Input: digest (hexadecimal)
-- Output:  seal_id, sealed_at of it, or no row
select s.id as seal_id, s.sealed_at from public.media_sync_log_seal as s where s.digest = decode(:digest, 'hex')
