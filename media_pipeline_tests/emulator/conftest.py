"""A running emulator, emptied before each test, the SDK pointed at it, and plain HTTP beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import cloudinary  # type: ignore[import-untyped]
import cloudinary.api  # type: ignore[import-untyped]
import cloudinary.exceptions  # type: ignore[import-untyped]
import cloudinary.search  # type: ignore[import-untyped]
import cloudinary.search_folders  # type: ignore[import-untyped]
import cloudinary.uploader  # type: ignore[import-untyped]
import cloudinary.utils  # type: ignore[import-untyped]
import httpx
import pytest

from media_pipeline.emulator.clock import Clock
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread, Endpoints
from media_pipeline_tests.emulator.material import picture
from media_pipeline_tests.emulator.receiver import Receiver, receiving

# 25 June 2024, 08:58:20 UTC: tests own the time.
START = 1_719_305_900


class StoppedClock(Clock):
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        super().__init__(lambda: self.seconds)
        self.seconds = float(START)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> EmulatorConfig:
    return EmulatorConfig(tmp_path_factory.mktemp("emulator"), "tests")


@pytest.fixture(scope="session")
def running(config: EmulatorConfig) -> Iterator[tuple[Endpoints, StoppedClock]]:
    clock = StoppedClock()
    with EmulatorThread(config, clock) as emulator:
        yield emulator.endpoints, clock


@pytest.fixture
def clock(running: tuple[Endpoints, StoppedClock]) -> StoppedClock:
    running[1].seconds = float(START)
    return running[1]


@pytest.fixture(scope="session")
def controlling(running: tuple[Endpoints, StoppedClock]) -> Iterator[ControlClient]:
    with ControlClient(running[0]) as client:
        yield client


@pytest.fixture
def control(controlling: ControlClient, clock: StoppedClock) -> ControlClient:
    controlling.reset()
    return controlling


@pytest.fixture
def endpoints(running: tuple[Endpoints, StoppedClock], control: ControlClient) -> Endpoints:
    return running[0]


@pytest.fixture
def sdk(endpoints: Endpoints, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The official SDK: ``api``, ``uploader``, ``search()``, ``errors``; it signs by the tests' clock."""
    monkeypatch.setattr(cloudinary.utils, "now", lambda: str(int(clock.seconds)))
    monkeypatch.setenv("CLOUDINARY_URL", endpoints.cloudinary_url)
    cloudinary.reset_config()
    return SimpleNamespace(
        api=cloudinary.api,
        uploader=cloudinary.uploader,
        utils=cloudinary.utils,
        search=cloudinary.search.Search,
        search_folders=cloudinary.search_folders.SearchFolders,
        errors=cloudinary.exceptions,
    )


@pytest.fixture(scope="session")
def asking(running: tuple[Endpoints, StoppedClock], config: EmulatorConfig) -> Iterator[httpx.Client]:
    root = f"{running[0].base_url}/v1_1/{running[0].cloud_name}"
    with httpx.Client(base_url=root, auth=(config.api_key, config.api_secret), trust_env=False) as client:
        yield client


@pytest.fixture
def http(asking: httpx.Client, endpoints: Endpoints) -> httpx.Client:
    """Plain HTTP with the Admin API's credentials; paths start behind ``/v1_1/{cloud}``."""
    return asking


Upload = Callable[..., dict[str, Any]]


@pytest.fixture
def upload(sdk: Any) -> Upload:
    """Upload a small picture, or the bytes given first, with the SDK's options."""

    def uploaded(data: bytes | None = None, **options: object) -> dict[str, Any]:
        answer: dict[str, Any] = sdk.uploader.upload(picture() if data is None else data, **options)
        return answer

    return uploaded


@pytest.fixture(scope="session")
def listening() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(listening: Receiver) -> Receiver:
    """A receiver of webhooks on this machine, empty."""
    listening.clear()
    return listening


@pytest.fixture
def hook(receiver: Receiver, sdk: Any) -> Receiver:
    """A receiver that gets every event."""
    sdk.api.create_trigger(receiver.url, "all")
    return receiver
