-- canary/030_touch_sent.sql
-- Purpose: Cloudinary took the change.                  Input: id, request_id      Writes: ops.canary_touch
update ops.canary_touch set is_sent = true, request_id = :request_id where id = :id
