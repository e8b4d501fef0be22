"""A mirror that hears of changes: the emulator's messages, carried into the spool by the test, and drains."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Engine

from media_pipeline import diff, mirror
from media_pipeline import settings as settings_module
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.drain import DrainResult, drain
from media_pipeline.intake.receiver import PATH
from media_pipeline.intake.server import Receiver
from media_pipeline.intake.spool import Spool
from media_pipeline.mirror import RefreshResult
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import Channel
from media_pipeline_tests.mirror.conftest import Rig, cloud, control

__all__ = ["cloud", "control"]


@dataclass(slots=True)
class HearingRig(Rig):
    """A rig with a spool; a poll channel keeps the cloud's messages until the test takes them."""

    spool: Spool = field(kw_only=True)
    heard: int = 0

    def listen(self) -> None:
        """From now on the cloud writes a message about everything."""
        address = urlsplit(self.endpoints.cloudinary_url)
        httpx.post(
            f"{self.endpoints.base_url}/v1_1/{self.endpoints.cloud_name}/triggers",
            data={"uri": "poll://mirror", "event_type": "all", "uri_type": "poll"},
            auth=(address.username or "", address.password or ""),
        ).raise_for_status()

    def messages(self) -> list[bytes]:
        """What the cloud said since the last call, in its order."""
        said = self.control.notifications()
        fresh, self.heard = said[self.heard :], len(said)
        return [one.body.encode() for one in fresh]

    def receive(self, bodies: Iterable[bytes]) -> None:
        """They arrive, each in a file of its own."""
        for body in bodies:
            self.spool.put([Notification(body, datetime.now(UTC), Channel.WEBHOOK, {})])

    def drain(self) -> DrainResult:
        return drain(
            self.engine,
            self.spool,
            cloud_name=self.endpoints.cloud_name,
            delivery_types=self.settings.delivery_types,
            progress=Silent(),
        )

    def read(self) -> RefreshResult:
        """What the job does behind the drain."""
        self.make_due()
        with self.client() as client:
            mirrored = mirror.refresh(self.engine, client, self.settings, run_id=None, progress=Silent())
        diff.compute(self.engine, self.settings, run_id=None)
        diff.apply(self.engine, self.settings, run_id=None, progress=Silent())
        return mirrored

    def call(self, method: str, path: str, **options: Any) -> Any:
        """An outsider uses the API by hand."""
        address = urlsplit(self.endpoints.cloudinary_url)
        answer = httpx.request(
            method,
            f"{self.endpoints.base_url}/v1_1/{self.endpoints.cloud_name}{path}",
            auth=(address.username or "", address.password or ""),
            **options,
        )
        return answer.raise_for_status().json()

    def landed(self) -> list[tuple[str | None, str]]:
        """Type and outcome of every notification, in the order of their types."""
        return self.query(
            "select notification_type, outcome from landing.notification order by notification_type nulls first, id"
        )


@contextmanager
def receiving(settings: Settings) -> Iterator[str]:
    """A receiver in a thread; yields the address of its webhook."""
    receiver = Receiver(settings.model_copy(update={"receiver_port": 0}))
    ready = threading.Event()
    thread = threading.Thread(target=receiver.run, args=(ready.set,))
    thread.start()
    try:
        assert ready.wait(20)
        yield f"http://127.0.0.1:{receiver.port}{PATH}"
    finally:
        receiver.stop()
        thread.join(20)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool", file_limit=50_000, reserve_bytes=0)
    spool.prepare()
    return spool


@pytest.fixture
def rig(engine: Engine, cloud: Endpoints, control: ControlClient, spool: Spool) -> HearingRig:
    settings = settings_module.load(
        CLOUDINARY_URL=cloud.cloudinary_url,
        listing_page_size=50,
        delivery_types="upload",
        retries=1,
        retry_base_seconds=0.01,
        read_timeout_seconds=2,
    )
    return HearingRig(engine, cloud, control, settings, spool=spool)


@pytest.fixture
def hints(rig: HearingRig) -> Callable[[], dict[str, str]]:
    """Assets that wait to be read, and why."""
    return lambda: dict(rig.query("select asset_id, reason from mirror.verify_queue"))
