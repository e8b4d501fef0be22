-- ops/270_list_approved_holds.sql
-- Purpose: decided holds of a kind that nobody acted on yet, oldest first.
-- Input:   kind
select id, state, listing_run_id from ops.hold
where kind = :kind and state in ('approved', 'rejected') and settled_at is null
order by id
for update
