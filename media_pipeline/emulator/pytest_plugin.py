"""A pytest plugin: the fixture `cloudinary_emulator` gives a test an empty cloud of its own.

Belongs here: fixtures for other projects. Not here: the emulator's own tests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

# Imported when a test asks for the emulator: every run of pytest loads this module.
if TYPE_CHECKING:
    from media_pipeline.emulator.config import Endpoints
    from media_pipeline.emulator.control import ControlClient

# These beat or change CLOUDINARY_URL in the SDKs.
_OTHER_VARIABLES = ("CLOUDINARY_CLOUD_NAME", "CLOUDINARY_API_KEY", "CLOUDINARY_API_SECRET", "CLOUDINARY_UPLOAD_PREFIX")


@dataclass(frozen=True, slots=True)
class CloudinaryEmulator:
    """A running emulator: where it is, and how to script it."""

    endpoints: Endpoints
    control: ControlClient


@pytest.fixture(scope="session")
def cloudinary_emulator_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudinaryEmulator]:
    """One emulator for all tests of the session; override it for another configuration."""
    from media_pipeline.emulator.control import ControlClient
    from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread

    config = EmulatorConfig(tmp_path_factory.mktemp("cloudinary"), "pytest")
    with EmulatorThread(config) as emulator, ControlClient(emulator.endpoints) as control:
        yield CloudinaryEmulator(emulator.endpoints, control)


@pytest.fixture
def cloudinary_emulator(
    cloudinary_emulator_server: CloudinaryEmulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudinaryEmulator]:
    """The emulator, empty, with ``CLOUDINARY_URL`` pointing at it; the Python SDK reads it anew."""
    cloudinary_emulator_server.control.reset()
    with monkeypatch.context() as patch:
        for name in _OTHER_VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("CLOUDINARY_URL", cloudinary_emulator_server.endpoints.cloudinary_url)
        _forget_configuration()
        yield cloudinary_emulator_server
    _forget_configuration()


def _forget_configuration() -> None:
    # The SDK keeps what it once read; it is not imported here, only told if somebody uses it.
    sdk = sys.modules.get("cloudinary")
    if sdk is not None:
        sdk.reset_config()
