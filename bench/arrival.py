"""What comes behind the answer of the receiver: how fast the spool is drained, and how long a change takes to its row.

Belongs here: the two measurements that ``webhooks`` prints with its own.
Not here: the receiver (``webhooks``), Dagster: the time until a sensor asks and a run has started comes on top.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import msgspec
from sqlalchemy import Engine

from bench import stage
from media_pipeline import diff, listing, logs, mirror, triggers
from media_pipeline import settings as settings_module
from media_pipeline.budget import Ledger
from media_pipeline.db import engine as engine_module
from media_pipeline.db import migrate
from media_pipeline.db.engine import read_only
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.drain import drain
from media_pipeline.intake.receiver import PATH
from media_pipeline.intake.server import Receiver
from media_pipeline.ops import binding, runs
from media_pipeline.progress import Silent
from media_pipeline.remote.calls import TagCommand
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import Channel, ResourceType, RunKind, RunState

_LIBRARY = 2000
_FILE_OF = 20
_WAIT_SECONDS = 30.0
_SILENT = Silent()


class Arrival(msgspec.Struct, frozen=True):
    """Seconds from the change in the cloud to the committed row, and notifications landed a second."""

    changes: int
    lag_p50_seconds: float
    lag_p95_seconds: float
    drained: int
    drained_per_second: float


def measure(changes: int, drained: int) -> Arrival:
    """Make *changes* one after the other and follow each to its row; then drain a spool of *drained* notifications."""
    logs.configure(level="warning")
    with stage.prepared(_LIBRARY) as prepared, TemporaryDirectory(prefix="mp-arrival-") as home:
        engine = engine_module.create_engine(prepared.server_url)
        migrate.upgrade(engine)
        settings = settings_module.load(
            home=Path(home), CLOUDINARY_URL=prepared.cloudinary_url, receiver_port=0, spool_reserve_bytes=0
        )
        assert settings.cloud is not None
        ledger = Ledger(engine, {})
        with CloudinaryClient(settings.cloud, settings=settings, budget=ledger, refuse_emulator=False) as client:
            names = _synced(engine, client, settings)
            with _told(client, settings):
                lags = [_follow(engine, client, settings, name) for name in names[:changes]]
            rate = _drained(engine, settings, drained)
        engine.dispose()
    return Arrival(changes, median(lags), quantiles(lags, n=20, method="inclusive")[-1], drained, rate)


def _synced(engine: Engine, client: CloudinaryClient, settings: Settings) -> Sequence[str]:
    """Mirror the library; returns names of pictures."""
    with runs.running(engine, RunKind.FULL_SYNC, actor="cli:bench", dagster_run_id=None) as run_id:
        binding.bind(engine, identify(client), actor="cli:bench", run_id=run_id)
        listing.walk(engine, client, settings, run_id=run_id, progress=_SILENT)
        _take_over(engine, client, settings)
        runs.finish(engine, run_id, RunState.SUCCEEDED)
    with read_only(engine) as connection:
        found = connection.exec_driver_sql(
            "select public_id from media_assets where resource_type = 'image' and delivery_type = 'upload'"
            " and deleted_at is null order by public_id"
        )
        return list(found.scalars())


@contextmanager
def _told(client: CloudinaryClient, settings: Settings) -> Iterator[None]:
    receiver = Receiver(settings)
    ready = threading.Event()
    thread = threading.Thread(target=receiver.run, args=(ready.set,))
    thread.start()
    try:
        ready.wait(_WAIT_SECONDS)
        address = f"http://127.0.0.1:{receiver.port}{PATH}"
        triggers.apply(client, settings.model_copy(update={"notification_url": address}))
        yield
    finally:
        receiver.stop()
        thread.join()


def _follow(engine: Engine, client: CloudinaryClient, settings: Settings, name: str) -> float:
    spool = spool_of(settings)
    started = time.perf_counter()
    client.change_tags(
        TagCommand.ADD, ["bench"], public_ids=[name], resource_type=ResourceType.IMAGE, delivery_type="upload"
    )
    while not spool.depth().file_count:
        if time.perf_counter() - started > _WAIT_SECONDS:
            raise stage.WrongResult("A change was not told.")
        time.sleep(0.001)
    _drain(engine, settings)
    _take_over(engine, client, settings)
    seconds = time.perf_counter() - started
    with read_only(engine) as connection:
        tags = connection.exec_driver_sql("select tags from media_assets where public_id = %(name)s", {"name": name})
        if "bench" not in tags.scalar_one():
            raise stage.WrongResult("A change did not arrive.")
    return seconds


def _drained(engine: Engine, settings: Settings, count: int) -> float:
    """Notifications a second, each of an asset of its own, in files as a receiver of many connections writes them."""
    spool = spool_of(settings)
    now = datetime.now(UTC)
    for first in range(0, count, _FILE_OF):
        numbers = range(first, min(first + _FILE_OF, count))
        bodies = [
            b'{"notification_type":"upload","asset_id":"%032x","public_id":"bench/%d"}' % (one, one) for one in numbers
        ]
        spool.put([Notification(body, now, Channel.WEBHOOK, {}) for body in bodies])
    started = time.perf_counter()
    landed = _drain(engine, settings)
    seconds = time.perf_counter() - started
    if landed != count:
        raise stage.WrongResult(f"{landed} of {count} notifications were landed.")
    return count / seconds


def _drain(engine: Engine, settings: Settings) -> int:
    assert settings.cloud is not None
    return drain(
        engine,
        spool_of(settings),
        cloud_name=settings.cloud.cloud_name,
        delivery_types=settings.delivery_types,
        progress=_SILENT,
    ).notifications


def _take_over(engine: Engine, client: CloudinaryClient, settings: Settings) -> None:
    mirror.refresh(engine, client, settings, run_id=None, progress=_SILENT)
    diff.compute(engine, settings, run_id=None)
    diff.apply(engine, settings, run_id=None, progress=_SILENT)
