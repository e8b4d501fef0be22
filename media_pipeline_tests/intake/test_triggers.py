from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from media_pipeline import triggers
from media_pipeline.errors import ConfigurationError, RemoteError
from media_pipeline.remote.notifications import Trigger
from media_pipeline.triggers import Change, Standing, Step
from media_pipeline_tests.intake.conftest import Cloud

OURS = "https://media.example.com/api/cloudinary/webhook"
MOVED = "https://new.example.com/api/cloudinary/webhook"
THEIRS = "https://other.example.com/api/cloudinary/webhook"
POLL = "poll://orders"


def trigger(uri: str, event_type: str = "all", **members: Any) -> Trigger:
    kind = "poll" if uri.startswith("poll:") else "webhook"
    return Trigger(f"id-of-{uri}-{event_type}", uri, event_type, kind, **members)


@pytest.mark.parametrize(
    ("found", "wanted", "remembered", "steps"),
    [
        ([], [], [], []),
        ([], [OURS, POLL], [], [("create", OURS), ("create", POLL)]),
        ([trigger(OURS), trigger(POLL)], [OURS, POLL], [OURS, POLL], []),
        ([trigger(OURS)], [OURS], [], []),
        ([trigger(OURS)], [MOVED], [OURS], [("repoint", MOVED)]),
        ([trigger(OURS)], [POLL], [OURS], [("remove", OURS), ("create", POLL)]),
        ([trigger(OURS), trigger(POLL)], [], [OURS, POLL], [("remove", OURS), ("remove", POLL)]),
        ([trigger(OURS), trigger(MOVED)], [MOVED], [OURS, MOVED], [("remove", OURS)]),
        # Not ours: never asked for, or of other events.
        ([trigger(THEIRS)], [MOVED], [OURS], [("create", MOVED)]),
        ([trigger(OURS)], [], [], []),
        ([trigger(OURS, "upload")], [], [OURS], []),
        ([trigger(OURS, "upload")], [OURS], [OURS], [("create", OURS)]),
        # Nothing here can check Ed25519 alone.
        ([trigger(OURS, auth_scheme="default")], [OURS], [], []),
        ([trigger(OURS, auth_scheme="eddsa_v2")], [OURS], [], [("remove", OURS), ("create", OURS)]),
    ],
)
def test_the_fewest_changes_are_made_and_only_to_what_is_ours(
    found: list[Trigger], wanted: list[str], remembered: list[str], steps: list[tuple[str, str]]
) -> None:
    compared = triggers.compare(found, wanted, remembered)

    assert [(step.change.value, step.uri) for step in compared.steps] == steps
    known = {one.id: one for one in compared.seen}
    for step in compared.steps:
        assert step.trigger_id is None or known[step.trigger_id].standing is Standing.STALE
        assert (step.trigger_id is None) is (step.change is Change.CREATE)


def test_settings_come_into_force_and_foreign_triggers_stay(cloud: Cloud) -> None:
    cloud.client.create_trigger(THEIRS, event_type="all", uri_type="webhook", is_additive=False)
    settings = cloud.settings(notification_url=OURS, poll_channel="orders")
    done, after = triggers.apply(cloud.client, settings)

    assert done == (Step(Change.CREATE, OURS, None), Step(Change.CREATE, POLL, None))
    assert after.steps == ()
    standings = {one.uri: one.standing for one in after.seen}
    assert standings == {THEIRS: Standing.FOREIGN, OURS: Standing.WANTED, POLL: Standing.WANTED}
    assert triggers.apply(cloud.client, settings)[0] == ()

    moved = cloud.settings(notification_url=MOVED)
    done, after = triggers.apply(cloud.client, moved)
    assert {(step.change, step.uri) for step in done} == {(Change.REPOINT, MOVED), (Change.REMOVE, POLL)}
    assert {one.uri for one in after.seen} == {THEIRS, MOVED}

    done, after = triggers.apply(cloud.client, cloud.settings())
    assert [one.uri for one in after.seen] == [THEIRS]
    assert json.loads((cloud.home / "triggers.json").read_bytes()) == []


def test_our_trigger_also_gets_events_that_a_call_sends_elsewhere(cloud: Cloud) -> None:
    triggers.apply(cloud.client, cloud.settings(poll_channel="orders"))
    [made] = json.loads(cloud.client.triggers().body)["triggers"]
    assert (made["additive"], made["event_type"], made["uri_type"]) == (True, "all", "poll")


def test_what_is_wanted_and_there_is_taken_as_ours(cloud: Cloud) -> None:
    cloud.client.create_trigger(OURS, event_type="all", uri_type="webhook", is_additive=True)
    assert triggers.apply(cloud.client, cloud.settings(notification_url=OURS))[0] == ()
    assert [step.change for step in triggers.look(cloud.client, cloud.settings()).steps] == [Change.REMOVE]


def test_a_trigger_whose_maker_died_is_known_by_the_next(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The death between the creation and whatever comes after it; then the settings change."""

    create = cloud.client.create_trigger

    def create_and_die(uri: str, **options: Any) -> None:
        create(uri, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(cloud.client, "create_trigger", create_and_die)
    with pytest.raises(KeyboardInterrupt):
        triggers.apply(cloud.client, cloud.settings(notification_url=OURS))
    monkeypatch.undo()

    done, after = triggers.apply(cloud.client, cloud.settings(notification_url=MOVED))
    assert [(step.change, step.uri) for step in done] == [(Change.REPOINT, MOVED)]
    assert [one.uri for one in after.seen] == [MOVED]


def test_another_deployment_on_the_same_cloud_is_left_alone(cloud: Cloud, tmp_path: Path) -> None:
    triggers.apply(cloud.client, cloud.settings(notification_url=OURS))
    other = cloud.settings(notification_url=MOVED).model_copy(update={"home": tmp_path / "another home"})
    _, after = triggers.apply(cloud.client, other)
    assert {one.uri: one.standing for one in after.seen} == {OURS: Standing.FOREIGN, MOVED: Standing.WANTED}


def test_a_memory_that_cannot_be_read_or_written_stops_before_any_change(cloud: Cloud) -> None:
    settings = cloud.settings(notification_url=OURS)
    cloud.home.mkdir()
    (cloud.home / "triggers.json").write_text("not JSON")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        triggers.apply(cloud.client, settings)
    (cloud.home / "triggers.json").unlink()
    (cloud.home / "triggers.new").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be written"):
        triggers.apply(cloud.client, settings)
    assert json.loads(cloud.client.triggers().body)["triggers"] == []


def test_a_step_that_is_refused_is_told(cloud: Cloud) -> None:
    for number in range(30):
        cloud.client.create_trigger(
            f"https://x{number}.example.com/", event_type="all", uri_type="webhook", is_additive=False
        )
    with pytest.raises(RemoteError, match="Too many triggers"):
        triggers.apply(cloud.client, cloud.settings(notification_url=OURS))
