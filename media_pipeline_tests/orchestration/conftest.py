"""A cloud with a hundred assets, settings that lead to it, and Dagster instances to sync on.

Belongs here: what several tests of this room ask for.
Not here: databases (``media_pipeline_tests.database``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import FULL_SYNC
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings, load

ASSET_COUNT = 100
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def server_home() -> Iterator[Path]:
    """A home for an embedded server, which as root runs as another user: pytest closes its own folders to that one."""
    with tempfile.TemporaryDirectory(prefix="mp-test-") as directory:
        yield Path(directory) / "home"


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[EmulatorThread]:
    with EmulatorThread(EmulatorConfig(tmp_path / "emulator", "orchestration")) as running:
        yield running


@pytest.fixture
def control(emulator: EmulatorThread) -> Iterator[ControlClient]:
    """The control of a cloud that holds ``ASSET_COUNT`` assets."""
    with ControlClient(emulator.endpoints) as client:
        client.bulk(ASSET_COUNT)
        yield client


@pytest.fixture
def settings(tmp_path: Path, database_url: str, emulator: EmulatorThread, control: ControlClient) -> Settings:
    return load(
        home=tmp_path / "home",
        database_url=SecretStr(database_url),
        CLOUDINARY_URL=SecretStr(emulator.endpoints.cloudinary_url),
        retries=0,
    )


@pytest.fixture
def sync(settings: Settings) -> Iterator[Callable[[], dg.ExecuteInProcessResult]]:
    """Runs the job on an instance that lives as long as the test; failures are in the result."""
    job = build_defs(settings=settings, progress=Silent()).resolve_job_def(FULL_SYNC)
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda: job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)
