"""The library as it was, the way back, and the life of one asset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from media_pipeline import outbox
from media_pipeline.errors import AssetNotFound
from media_pipeline.reads.explain import explain
from media_pipeline_tests.push.conftest import PushRig

FIELDS = "public_id, tags, context, display_name, asset_folder, deleted_at is not null, row_version"


def now(rig: PushRig) -> datetime:
    found = rig.query("select clock_timestamp()")[0][0]
    assert isinstance(found, datetime)
    return found


def as_at(rig: PushRig, at: datetime) -> dict[str, Any]:
    rows = rig.query(f"select asset_id, {FIELDS} from media_assets_at(%(at)s)", at=at)
    return {row[0]: row[1:] for row in rows}


@pytest.fixture
def aged(rig: PushRig) -> PushRig:
    """Two mirrored pictures."""
    rig.upload("a", tags=["one"], context={"alt": "first"})
    rig.upload("b", colour=1)
    rig.sync()
    return rig


def test_every_state_that_was_can_be_seen_again(aged: PushRig) -> None:
    states = []
    for assignments in (
        "tags = array['two']",
        "display_name = 'second', context = context || '{\"by\": \"ada\"}'",
        "tags = array['three'], asset_folder = 'town'",
        "deleted_at = now()",
        "deleted_at = null",
        "public_id = 'renamed'",
    ):
        states.append((now(aged), as_at(aged, now(aged))))
        name = "renamed" if "renamed" in aged.live() else "a"
        aged.edit(name, assignments)
    aged.push()
    states.append((now(aged), as_at(aged, now(aged))))

    for at, state in states:
        assert as_at(aged, at) == state
    # One entry of the log after the other, each moved the row by one version.
    versions = [next(iter(state.values()))[-1] for _, state in states]
    assert versions == sorted(versions)
    today = aged.query(f"select asset_id, {FIELDS} from media_assets")
    assert as_at(aged, now(aged)) == {row[0]: row[1:] for row in today}


def test_before_an_asset_was_mirrored_it_was_not_there(aged: PushRig) -> None:
    before = now(aged)
    aged.upload("c", colour=2)
    aged.sync()

    assert len(as_at(aged, before)) == 2
    assert as_at(aged, datetime(2001, 1, 1, tzinfo=UTC)) == {}


def test_a_revert_brings_both_sides_back_to_a_time(aged: PushRig) -> None:
    at = now(aged)
    good = as_at(aged, at)
    aged.edit("a", "tags = array['wrong'], context = '{}', display_name = 'wrong'")
    aged.edit("b", "public_id = 'wrong/b', asset_folder = 'wrong'")
    aged.push()
    assert aged.differences() == []

    edited, refused = outbox.revert(aged.engine, [aged.id_of("a"), aged.id_of("wrong/b")], at, actor="cli:ada")
    assert (edited, refused) == (2, [])
    aged.push()

    assert aged.differences() == []
    assert {key: state[:-1] for key, state in as_at(aged, now(aged)).items()} == {
        key: state[:-1] for key, state in good.items()
    }
    assert {row[0] for row in aged.query("select actor from outbox.operation order by id desc limit 5")} == {"cli:ada"}


def test_what_the_rules_refuse_by_now_is_named_and_the_rest_goes_on(aged: PushRig) -> None:
    at = now(aged)
    with aged.engine.begin() as connection:
        # As if an older program had mirrored a name that no edit may make today.
        connection.exec_driver_sql("set local role media_sync")
        connection.exec_driver_sql("update media_assets set display_name = 'a/b' where public_id = 'a'")
        connection.exec_driver_sql("reset role")
    aged.edit("b", "display_name = 'wrong'")
    aged.edit("a", "display_name = 'fine'")

    edited, refused = outbox.revert(aged.engine, [aged.id_of("a"), aged.id_of("b")], at, actor="cli:ada")

    assert (edited, [asset_id for asset_id, _ in refused]) == (1, [aged.id_of("a")])
    assert "display_name" in refused[0][1]


def test_the_life_of_an_asset_is_told_in_order(aged: PushRig) -> None:
    aged.edit("a", "tags = array['new']")
    aged.push()
    aged.delete("a")
    aged.push()

    timeline = explain(aged.engine, "a")

    told = [event.what for event in timeline.events]
    assert told[0] in {"created", "change_found"}
    for word in ("edited", "intent_recorded", "planned", "plan_approved", "attempt", "operation_done", "deleted"):
        assert word in told
    assert [event.at for event in timeline.events] == sorted(event.at for event in timeline.events)
    assert any(event.request_id for event in timeline.events if event.what == "attempt")
    assert timeline.asset.asset_id == explain(aged.engine, timeline.asset.asset_id).asset.asset_id


def test_an_asset_that_is_not_there_is_told_with_how_to_name_one(aged: PushRig) -> None:
    with pytest.raises(AssetNotFound) as refused:
        explain(aged.engine, "nobody")

    assert "media_assets.id" in refused.value.hint
