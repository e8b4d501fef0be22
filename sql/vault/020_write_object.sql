-- vault/020_write_object.sql
-- Purpose: a file that was just written and hashed.     Input: sha256, md5, size_bytes
-- Writes:  ops.vault_object
insert into ops.vault_object as o (sha256, md5, size_bytes)
values (:sha256, :md5, :size_bytes)
on conflict (sha256) do update
  set state = 'whole', verified_at = clock_timestamp()
