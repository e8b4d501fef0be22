-- ops/320_hint_unfinished.sql
-- Purpose: every asset with an operation that is not at its end is read again.         Output: hinted_count
select mirror.hint(
  array(
    select distinct o.asset_id
    from outbox.operation as o
    where o.state in ('pending', 'leased', 'unknown', 'sent') and o.asset_id is not null
  ),
  'manual'
) as hinted_count
