-- vault/040_mark_object.sql
-- Purpose: what reading a file showed.                  Input: sha256, state
-- Writes:  ops.vault_object
update ops.vault_object
set state = :state, verified_at = clock_timestamp()
where sha256 = :sha256
