-- outbox/180_open_conflict.sql
-- Purpose: both sides changed one field.
-- Input:   operation_id, asset_id, field, key, base, local, remote             Writes: outbox.conflict
insert into outbox.conflict (operation_id, asset_id, field, key, base, local, remote)
values (
  :operation_id, :asset_id, :field, :key, cast(:base as jsonb), cast(:local as jsonb), cast(:remote as jsonb)
)
on conflict (asset_id, field, key) where state = 'open' do update
  set operation_id = excluded.operation_id, base = excluded.base, local = excluded.local, remote = excluded.remote
