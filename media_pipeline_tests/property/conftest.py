"""One emulated cloud for all machines of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """An emulator whose allowance never ends: what a spent one leads to is tested elsewhere."""
    config = EmulatorConfig(tmp_path_factory.mktemp("cloud"), "property-tests", quota_per_hour=10_000_000)
    with EmulatorThread(config) as running:
        yield running.endpoints
