-- reads/584_find_unapplied_assets.sql
-- Purpose: assets proved live whose content the newest change set had before it, yet media_assets says otherwise.
--          What was observed after that set was computed waits for the next one, and what people edited waits to be
--          pushed; that is no fault.
-- Input:   row_limit                                    Output: total_count repeats on every row
-- Cost:    one hash join of two fingerprints
select r.asset_id, r.public_id, count(*) over () as total_count
from mirror.remote_asset as r
inner join mirror.asset_sighting as s on r.asset_id = s.asset_id
left join public.media_assets as m on r.asset_id = m.asset_id
where
  s.state = 'live'
  and (m.asset_id is null or m.deleted_at is not null or m.applied_fingerprint <> r.fingerprint)
  and not exists (select from outbox.overlaid_asset as v where v.asset_id = r.asset_id)
  and r.observed_at < (select max(t.computed_at) from diff.change_set as t where t.state = 'applied')
order by r.asset_id
limit :row_limit
