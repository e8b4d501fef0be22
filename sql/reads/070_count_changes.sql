-- reads/070_count_changes.sql
-- Purpose: what a run found different, by kind and state, with the first few assets of each.
-- Input:   run_id, example_limit                        Output: examples is a jsonb list of public_id and fields
-- Cost:    one pass over the changes of the run, and one more for each kind that is rare
select
  k.kind, k.state, k.change_count,
  (
    select jsonb_agg(jsonb_build_object('public_id', e.public_id, 'fields', e.fields))
    from (
      select coalesce(r.public_id, m.public_id, c.asset_id) as public_id, c.fields
      from diff.change as c
      left join mirror.remote_asset as r on c.asset_id = r.asset_id
      left join public.media_assets as m on c.asset_id = m.asset_id
      where c.change_set_id = k.change_set_id and c.kind = k.kind and c.state = k.state
      order by c.asset_id
      limit :example_limit
    ) as e
  ) as examples
from (
  select c.change_set_id, c.kind, c.state, count(*) as change_count
  from diff.change as c
  where c.change_set_id = (select max(t.id) from diff.change_set as t where t.run_id = :run_id)
  group by c.change_set_id, c.kind, c.state
) as k
order by
  array_position(array['created', 'restored', 'renamed', 'moved', 'updated', 'deleted', 'conflict'], k.kind), k.state
