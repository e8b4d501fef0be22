"""One acceptance for all three ways in which changes arrive: webhook, poll channel, and asking alone.

The same work is done in the cloud; what differs is who tells us, and what is promised without a full listing: with
notifications everything, without them everything but deletions, which leave no trace that a search could show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from media_pipeline import diff, listing, mirror, polling, triggers
from media_pipeline.intake.configured import verifier_of
from media_pipeline.ops import binding, runs
from media_pipeline.progress import Silent
from media_pipeline.remote.identity import identify
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import RunKind, RunState
from media_pipeline_tests.arriving.conftest import HearingRig, receiving
from media_pipeline_tests.arriving.test_drain import IMAGE, work_in_the_cloud
from media_pipeline_tests.scenarios.both_sides import differences, require_equal

CHANNEL = "mirror"
Bring = Callable[[], None]
Mode = Callable[[HearingRig, Settings], AbstractContextManager[Bring]]


@contextmanager
def by_webhook(rig: HearingRig, settings: Settings) -> Iterator[Bring]:
    with receiving(settings) as address:
        _tell_the_cloud(rig, settings.model_copy(update={"notification_url": address}))

        def bring() -> None:
            assert {one.state for one in rig.control.settle_notifications()} == {"delivered"}
            _take_in(rig)

        yield bring


@contextmanager
def by_poll(rig: HearingRig, settings: Settings) -> Iterator[Bring]:
    _tell_the_cloud(rig, settings.model_copy(update={"poll_channel": CHANNEL}))

    def bring() -> None:
        with rig.client() as client:
            polling.poll_what_waits(client, rig.spool, verifier_of(settings), channel=CHANNEL)
        _take_in(rig)

    yield bring


@contextmanager
def by_asking(rig: HearingRig, settings: Settings) -> Iterator[Bring]:
    def bring() -> None:
        with (
            rig.client() as client,
            runs.running(rig.engine, RunKind.INCREMENTAL_SYNC, actor="cli:test", dagster_run_id=None) as run_id,
        ):
            binding.bind(rig.engine, identify(client), actor="cli:test", run_id=run_id)
            listing.walk_recent(rig.engine, client, settings, run_id=run_id, progress=Silent())
            mirror.refresh(rig.engine, client, settings, run_id=run_id, progress=Silent())
            diff.compute(rig.engine, settings, run_id=run_id)
            diff.apply(rig.engine, settings, run_id=run_id, progress=Silent())
            runs.finish(rig.engine, run_id, RunState.SUCCEEDED)

    yield bring


def _take_in(rig: HearingRig) -> None:
    rig.drain()
    rig.read()
    # All assets of so small a library may be in one read, and none is left to be its canary: then the next one proves.
    rig.read()


def _tell_the_cloud(rig: HearingRig, settings: Settings) -> None:
    with rig.client() as client:
        assert triggers.apply(client, settings)[1].steps == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "finds_deletions"),
    [(by_webhook, True), (by_poll, True), (by_asking, False)],
    ids=["webhook", "poll", "asking"],
)
def test_everything_arrives(rig: HearingRig, mode: Mode, finds_deletions: bool) -> None:
    settings = rig.settings.model_copy(update={"home": rig.spool.directory.parent, "spool": rig.spool.directory})
    with mode(rig, settings) as bring:
        work_in_the_cloud(rig)
        bring()

        left = {one.key for one in differences(rig)}
        deleted = {row[0] for row in rig.query("select asset_id from media_assets where public_id = 'p0000'")}
        assert left == (set() if finds_deletions else deleted)

        # And again, one change at a time.
        with rig.client() as client:
            client.add_context({"round": "2"}, public_ids=["p0004"], **IMAGE)
        bring()
        assert rig.query("select context from media_assets where public_id = 'p0004'") == [({"k": "v", "round": "2"},)]

    rig.sync()
    require_equal(rig)
