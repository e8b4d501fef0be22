-- ops/030_read_binding.sql
-- Purpose: the cloud this database belongs to; no row before the first sync.
select cloud_name, is_emulator, folder_mode, incarnation, bound_at
from ops.cloud_binding
