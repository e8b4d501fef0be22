-- reads/584_find_unapplied_assets.sql
-- Purpose: assets proved live whose content the newest change set had before it, yet media_assets says otherwise.
-- Input:   row_limit                                    Output: total_count repeats on every row
-- Cost:    one hash join of two fingerprints
select a.asset_id, a.public_id, count(*) over () as total_count
from quality.unapplied_asset as a
order by a.asset_id
limit :row_limit
