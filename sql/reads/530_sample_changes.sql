-- reads/530_sample_changes.sql
-- Purpose: a few changes of each kind, for people who want to see what a change set holds.
-- Input:   change_set_id, kinds (those it holds), row_limit (in all)
-- Output:  names as the mirror knows them now
select e.kind, e.state, e.resource_type, e.delivery_type, e.public_id, e.fields
from (
  select
    c.kind, c.state, r.resource_type, r.delivery_type, r.public_id, c.fields, k.place,
    row_number() over (partition by c.kind order by c.asset_id) as number_in_kind
  from unnest(cast(:kinds as text[])) with ordinality as k (kind, place)
  cross join lateral (
    select d.asset_id, d.kind, d.state, d.fields
    from diff.change as d
    where d.change_set_id = :change_set_id and d.kind = k.kind
    order by d.asset_id
    limit :row_limit
  ) as c
  left join mirror.remote_asset as r on c.asset_id = r.asset_id
) as e
order by e.number_in_kind, e.place
limit :row_limit
