"""Commands called in this process or as a process of their own, and a small mirrored cloud for them to work on.

Not here: databases (``media_pipeline_tests.database``).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy import Engine

from media_pipeline import diff, listing, mirror
from media_pipeline import settings as settings_module
from media_pipeline.cli import main, sample_library
from media_pipeline.cli.screen import manner
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.ops import binding, runs
from media_pipeline.progress import Silent
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.settings import CloudCredentials, Settings
from media_pipeline.vocabulary import RunId, RunKind, RunState

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE_COUNT = 30


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        return json.loads(self.out)


Call = Callable[..., Ended]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Calls the command line in this process: ``call("status", "--json", home=…)``.

    Keywords are settings, as environment variables without their prefix.
    """
    formerly = signal.getsignal(signal.SIGTERM)

    def call_here(*arguments: str, **settings: object) -> Ended:
        with monkeypatch.context() as patch:
            for name in _ours(os.environ):
                patch.delenv(name)
            for name, value in _variables(settings).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["media-pipeline", *arguments])
            manner.is_json = manner.is_verbose = manner.has_printed = False
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        said = capsys.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0 if code is None else 1, said.out, said.err)

    yield call_here
    signal.signal(signal.SIGTERM, formerly)
    # Logs would go on to this test's captured standard error.
    structlog.reset_defaults()


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory for embedded servers.

    Not below pytest's own: for root the server runs as another user, who must get through every directory above,
    and each start of pytest closes that one anew.
    """
    with tempfile.TemporaryDirectory(prefix="mp-cli-") as directory:
        yield Path(directory)


@pytest.fixture
def start(place: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command line as a process in *place*; what still runs at the end is killed."""
    processes: list[subprocess.Popen[str]] = []

    def start_process(*arguments: str, **settings: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "media_pipeline", *arguments],
            env=environment(settings),
            cwd=place,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start_process
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def run(start: Callable[..., subprocess.Popen[str]]) -> Call:
    """Runs the command line as a process, to its end."""

    def run_process(*arguments: str, **settings: object) -> Ended:
        process = start(*arguments, **settings)
        out, err = process.communicate(timeout=300)
        return Ended(process.returncode, out, err)

    return run_process


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """An environment in which only *settings* are set."""
    bare = {name: value for name, value in os.environ.items() if name not in _ours(os.environ)}
    return {**bare, "PYTHONPATH": str(REPOSITORY), **_variables(settings)}


def _ours(names: Mapping[str, str]) -> list[str]:
    return [name for name in names if name.startswith("MEDIA_PIPELINE_") or name == "CLOUDINARY_URL"]


def _variables(settings: Mapping[str, object]) -> dict[str, str]:
    return {
        "CLOUDINARY_URL" if name == "cloudinary_url" else f"MEDIA_PIPELINE_{name.upper()}": str(value)
        for name, value in settings.items()
    }


@pytest.fixture(scope="session")
def sample_cloud(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """State of an emulator that holds the beginning of the sample library; to be copied."""
    state = tmp_path_factory.mktemp("sample") / "cloud"
    with EmulatorThread(EmulatorConfig(state, "tests")) as running:
        settings = settings_module.load(CLOUDINARY_URL=SecretStr(running.endpoints.cloudinary_url))
        credentials = CloudCredentials.parse(running.endpoints.cloudinary_url)
        with CloudinaryClient(
            credentials, settings=settings, budget=UnlimitedBudget(), refuse_emulator=False
        ) as client:
            sample_library.upload(client, progress=Silent(), count=SAMPLE_COUNT)
    return state


@pytest.fixture
def emulator(tmp_path: Path, sample_cloud: Path) -> Iterator[Endpoints]:
    """A cloud of this test's own, with the beginning of the sample library."""
    state = tmp_path / "cloud"
    shutil.copytree(sample_cloud, state)
    with EmulatorThread(EmulatorConfig(state, "tests")) as running:
        yield running.endpoints


@pytest.fixture
def control(emulator: Endpoints) -> Iterator[ControlClient]:
    with ControlClient(emulator) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Deployment:
    """A cloud, its mirror, and what a command needs to know of them."""

    settings: Settings
    engine: Engine
    endpoints: Endpoints
    control: ControlClient
    client: CloudinaryClient
    home: Path
    database_url: str

    @property
    def variables(self) -> dict[str, object]:
        """For `call` and `run`."""
        return {"home": self.home, "database_url": self.database_url, "cloudinary_url": self.endpoints.cloudinary_url}

    @property
    def credentials(self) -> CloudCredentials:
        assert self.settings.cloud is not None
        return self.settings.cloud

    def sync(self, **changes: object) -> RunId:
        """A full sync by the rooms themselves, without Dagster."""
        settings = self.settings.model_copy(update=changes)
        kind, actor = RunKind.FULL_SYNC, "cli:tests"
        with runs.running(self.engine, kind, actor=actor, dagster_run_id=None) as run_id:
            binding.bind(self.engine, identify(self.client), actor=actor, run_id=run_id)
            listing.walk(self.engine, self.client, settings, run_id=run_id, progress=Silent())
            mirror.refresh(self.engine, self.client, settings, run_id=run_id, progress=Silent())
            diff.compute(self.engine, settings, run_id=run_id)
            diff.apply(self.engine, settings, run_id=run_id, progress=Silent())
            mirror.refresh_folders(self.engine, self.client, progress=Silent())
            mirror.refresh_metadata_fields(self.engine, self.client)
            runs.finish(self.engine, run_id, RunState.SUCCEEDED)
        return run_id


@pytest.fixture
def deployment(
    tmp_path: Path, engine: Engine, database_url: str, emulator: Endpoints, control: ControlClient
) -> Iterator[Deployment]:
    """A cloud with a few assets, and a mirror without any."""
    home = tmp_path / "home"
    settings = settings_module.load(
        home=home,
        database_url=SecretStr(database_url),
        CLOUDINARY_URL=SecretStr(emulator.cloudinary_url),
        retries=0,
    )
    assert settings.cloud is not None
    with CloudinaryClient(settings.cloud, settings=settings, budget=UnlimitedBudget(), refuse_emulator=False) as client:
        yield Deployment(settings, engine, emulator, control, client, home, database_url)


@pytest.fixture
def mirrored(deployment: Deployment) -> Deployment:
    """The same, synced once."""
    deployment.sync()
    return deployment
