"""A spool, a running receiver, and messages signed as Cloudinary signs them."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from media_pipeline import settings as settings_module
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.intake import receiver as receiver_module
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.receiver import PATH
from media_pipeline.intake.server import Receiver
from media_pipeline.intake.spool import Spool
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import Channel

SECRET = "a-secret-of-these-tests"
OLD_SECRET = "the-secret-before-that"
BODY = b'{"notification_type":"upload","asset_id":"0123456789abcdef0123456789abcdef"}'


def notification(body: bytes = BODY, *, second: int = 0, channel: Channel = Channel.WEBHOOK) -> Notification:
    arrived = datetime(2026, 11, 23, 9, 46, second, 123456, UTC)
    return Notification(body, arrived, channel, {"x-cld-timestamp": "1795391744", "key": "é"})


def signature(body: bytes, timestamp: str, *, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, body + timestamp.encode() + secret.encode()).hexdigest()


def signed(
    body: bytes = BODY, *, age_seconds: int = 0, secret: str = SECRET, algorithm: str = "sha256"
) -> dict[str, str]:
    """The headers of a message that is sent now."""
    timestamp = str(int(time.time()) - age_seconds)
    return {
        "X-Cld-Timestamp": timestamp,
        "X-Cld-Signature": signature(body, timestamp, secret=secret, algorithm=algorithm),
    }


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool", file_limit=1000, reserve_bytes=0)
    spool.prepare()
    return spool


@dataclass(frozen=True, slots=True)
class Running:
    """A receiver in a thread, and what it has kept."""

    port: int
    spool: Spool
    http: httpx.Client

    def post(self, body: bytes | Iterator[bytes] = BODY, headers: Any = None, path: str = PATH) -> httpx.Response:
        return self.http.post(path, content=body, headers=headers)

    def files(self) -> list[str]:
        """Everything that is kept or left behind."""
        return sorted(path.name for part in ("new", "tmp") for path in (self.spool.directory / part).iterdir())

    def kept(self) -> list[Notification]:
        """What was kept, which is taken out."""
        claimed = self.spool.claim("tests", 1000)
        found = [one for file in claimed for one in self.spool.read(file)]
        self.spool.done(claimed)
        return found


Start = Callable[..., Running]


@pytest.fixture(scope="session")
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts receivers; keywords are settings, *refusals* how many an address may have."""
    stops: list[Callable[[], None]] = []

    def start(*, refusals: float = 1e9, **options: Any) -> Running:
        secrets = options.pop("secrets", (SECRET,))
        settings = settings_module.load(
            home=tmp_path_factory.mktemp("receiver"),
            webhook_secrets=tuple(SecretStr(one) for one in secrets),
            **{"receiver_port": 0, "spool_reserve_bytes": 0, "webhook_sha1": False, **options},
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(receiver_module, "_REFUSALS", refusals)
            receiver = Receiver(settings)
        ready = threading.Event()
        thread = threading.Thread(target=receiver.run, args=(ready.set,))
        thread.start()
        assert ready.wait(20)
        http = httpx.Client(base_url=f"http://127.0.0.1:{receiver.port}", trust_env=False)

        def stop() -> None:
            http.close()
            receiver.stop()
            thread.join(20)

        stops.append(stop)
        return Running(receiver.port, Spool(settings.spool, file_limit=1, reserve_bytes=0), http)

    yield start
    for stop in stops:
        stop()


@pytest.fixture(scope="session")
def shared(starting: Start) -> Running:
    return starting(secrets=(SECRET, OLD_SECRET), receiver_body_seconds=0.5)


@pytest.fixture
def running(shared: Running) -> Running:
    """A receiver of all tests, with an empty spool; its senders may be refused as often as they like."""
    shared.kept()
    return shared


@dataclass(frozen=True, slots=True)
class Cloud:
    """An emulator, and who asks it."""

    url: str
    control: ControlClient
    client: CloudinaryClient
    home: Path

    def settings(self, **options: Any) -> Settings:
        return settings_module.load(
            home=self.home, CLOUDINARY_URL=SecretStr(self.url), spool_reserve_bytes=0, retries=0, **options
        )

    def tell(self, count: int = 1) -> None:
        """Tell something to everybody who wants to know."""
        for number in range(count):
            self.control.notify("upload", public_id=f"told/{number}", asset_id=f"{number:032x}")

    def let_pass(self, seconds: float) -> None:
        self.control.set_clock_offset(self.control.settings().clock_offset_seconds + seconds)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorThread]:
    with EmulatorThread(EmulatorConfig(tmp_path_factory.mktemp("cloud"), "intake")) as emulator:
        yield emulator


@pytest.fixture
def cloud(emulator: EmulatorThread, tmp_path: Path) -> Iterator[Cloud]:
    """An empty cloud."""
    with ControlClient(emulator.endpoints) as control:
        control.reset()
        settings = settings_module.load(CLOUDINARY_URL=SecretStr(emulator.endpoints.cloudinary_url), retries=0)
        assert settings.cloud is not None
        with CloudinaryClient(
            settings.cloud, settings=settings, budget=UnlimitedBudget(), refuse_emulator=False
        ) as client:
            yield Cloud(emulator.endpoints.cloudinary_url, control, client, tmp_path / "home")
