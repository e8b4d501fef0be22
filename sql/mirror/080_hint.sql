-- mirror/080_hint.sql
-- Purpose: ask for assets to be read again by id.
-- Input:   asset_ids, reason                            Output: hinted_count
select mirror.hint(cast(:asset_ids as text[]), :reason) as hinted_count
