-- diff/078_list_open_deletion_holds.sql
-- Purpose: places where a hold over deletions is open; one that the new change set does not need is withdrawn.
select resource_type, delivery_type from ops.hold where kind = 'deletions' and state = 'open'
