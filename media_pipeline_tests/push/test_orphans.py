"""What nothing here wants is found, and is deleted by the road of every deletion; what is not known is not unused."""

from __future__ import annotations

import pytest

from media_pipeline import outbox
from media_pipeline.progress import Silent
from media_pipeline.reads.orphans import find_orphans
from media_pipeline.vocabulary import AssetId
from media_pipeline_tests.push.conftest import PushRig

NAMES = ("used", "formerly", "collected", "edited", "new", "a", "b", "c", "d", "e")
ORPHANS = ["a", "b", "c", "d", "e", "formerly"]


def use(rig: PushRig, public_id: str, *, is_live: bool, days_ago: int, source: str = "website") -> None:
    """A scan of a source system found a use of the asset so many days ago, and did not since unless it is live."""
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into media_usage (media_asset_id, source_system, reference, usage_kind, is_live, first_seen_at,"
            " last_seen_at) select id, %(source)s, 'page', 'picture', %(live)s, 'epoch', now() - make_interval(days => "
            "%(days)s) from media_assets where public_id = %(name)s",
            {"source": source, "live": is_live, "days": days_ago, "name": public_id},
        )


@pytest.fixture
def rig_with_orphans(rig: PushRig) -> PushRig:
    """Ten assets, untouched for 40 days but for one; the website uses the first of them."""
    for number, name in enumerate(NAMES):
        rig.upload(name, colour=number)
    rig.sync()
    use(rig, "used", is_live=True, days_ago=1)
    use(rig, "formerly", is_live=False, days_ago=35)
    with rig.engine.begin() as connection:
        # The trigger would write the time of the update.
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql(
            "update media_assets set updated_at = now() - interval '40 days' where public_id <> 'new'"
        )
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(
            "with made as ("
            "  insert into media_collections (slug, title, owner) values ('set', 'Set', 'cli:ada') returning id)"
            " insert into media_collection_items (collection_id, media_asset_id, position, added_by)"
            " select made.id, m.id, 0, 'cli:ada' from made, media_assets as m where m.public_id = 'collected'"
        )
    rig.edit("edited", "tags = array['wanted']")
    return rig


def orphans(rig: PushRig, unused_days: int = 30) -> list[str]:
    return sorted(one.public_id for one in find_orphans(rig.engine, unused_days).orphans)


def test_an_orphan_is_an_asset_that_nothing_has_wanted_for_a_while(rig_with_orphans: PushRig) -> None:
    found = find_orphans(rig_with_orphans.engine, 30, limit=2)

    assert orphans(rig_with_orphans) == ORPHANS
    assert (found.doubt, found.orphan_count, len(found.orphans)) == (None, 6, 2)
    assert found.orphan_size_bytes == 6 * (found.orphans[0].size_bytes or 0)
    assert [(one.source_system, one.use_count) for one in found.sources] == [("website", 1)]
    # Somebody still used this one 35 days ago.
    assert orphans(rig_with_orphans, 38) == ORPHANS[:-1]


def test_where_nobody_reports_uses_or_a_source_fell_silent_nothing_is_an_orphan(rig_with_orphans: PushRig) -> None:
    use(rig_with_orphans, "used", is_live=True, days_ago=31, source="newsletter")

    silent = find_orphans(rig_with_orphans.engine, 30)
    assert (silent.orphan_count, silent.orphans) == (None, ())
    assert "newsletter" in (silent.doubt or "")

    with rig_with_orphans.engine.begin() as connection:
        connection.exec_driver_sql("delete from media_usage")
    assert "Nothing reports" in (find_orphans(rig_with_orphans.engine, 30).doubt or "")


def test_orphans_go_the_road_of_every_deletion_guard_and_undo_included(rig_with_orphans: PushRig) -> None:
    rig = rig_with_orphans
    ids = [one.asset_id for one in find_orphans(rig.engine, 30, limit=None).orphans]
    # Wanted again after they were listed.
    use(rig, "a", is_live=True, days_ago=0)

    recorded = outbox.delete_orphans(rig.engine, ids, 30, actor="cli:ada", progress=Silent())
    rig.edit("b", "deleted_at = null")
    pushed = rig.push()

    assert recorded == (5, [])
    assert (pushed.plan.held, pushed.results["deletions"].sent) == (4, 0)
    assert set(rig.there()) == set(NAMES)
    assert rig.query(
        "select distinct actor, reason from outbox.operation where kind = 'delete' and state = 'pending'"
    ) == [("cli:ada", "wanted by nothing for 30 days")]
    assert sorted(rig.deleted()) == ["c", "d", "e", "formerly"]


def test_what_has_no_partner_is_counted(rig_with_orphans: PushRig) -> None:
    rig = rig_with_orphans
    with rig.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into ops.vault_object (sha256, md5, size_bytes) values (repeat('a', 64), repeat('b', 32), 1)"
        )
        connection.exec_driver_sql(
            "update mirror.asset_sighting set state = 'tombstone' where asset_id = %(a)s", {"a": rig.id_of("a")}
        )
        connection.exec_driver_sql(
            "insert into mirror.asset_sighting (asset_id, resource_type, delivery_type, state, touch)"
            " values (%(new)s, 'image', 'upload', 'live', 1)",
            {"new": AssetId("f" * 32)},
        )

    found = find_orphans(rig.engine, 30)

    assert (found.unmatched.without_row_count, found.unmatched.without_asset_count) == (1, 1)
    assert found.unmatched.without_use_count == 1
    assert "a" not in [one.public_id for one in found.orphans]
