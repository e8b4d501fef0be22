"""Drills: a test makes the trouble of an entry of the runbook and mends it with the very lines of the page.

Belongs here: carrying out the lines of an entry, in order. Not here: the form of the page (``runbook``).

The name of a test is that of its entry, so a changed command in the page changes the drill.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from string import Template

import pytest
from sqlalchemy import Engine

from media_pipeline.db.embedded import binaries
from media_pipeline.emulator.config import API_KEY, API_SECRET, Endpoints
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import (
    Call,
    Deployment,
    Ended,
    call,
    control,
    deployment,
    environment,
    mirrored,
    place,
    sample_cloud,
    start,
)
from media_pipeline_tests.drills import runbook
from media_pipeline_tests.drills.runbook import Entry, says
from media_pipeline_tests.mirror.conftest import Rig

__all__ = ["call", "control", "deployment", "mirrored", "place", "sample_cloud", "start"]

Start = Callable[..., subprocess.Popen[str]]
Receiving = Callable[[Mapping[str, object]], str]


class Drill:
    """An operator with one entry of the page before them.

    Attributes:
        settings: the environment of the terminal, without the prefix of our variables.
    """

    def __init__(self, entry: Entry, call: Call, start: Start, directory: Path) -> None:
        self.entry = entry
        self.settings: dict[str, object] = {}
        self._call = call
        self._start = start
        self._directory = directory
        self._left = list(entry.commands)
        self._said: list[str] = []

    def next(self, *, code: int = ExitCode.OK, typed: str = "", **words: object) -> Ended:
        """Carry out the next line of the page, and all lines before it that only set variables.

        Args:
            code: how the command is to end.
            typed: what the operator answers when asked.
            words: what stands for the words in capitals.
        """
        arguments = self._take(words)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.StringIO(typed))
            if arguments[0] == "media-pipeline":
                ended = self._call(*arguments[1:], **self.settings)
            else:
                ended = self._run(arguments)
        self._said.append(ended.out + ended.err)
        assert ended.code == code, (arguments, ended)
        return ended

    def start_next(self, **words: object) -> subprocess.Popen[str]:
        """Start the next line of the page as a process that goes on."""
        program, *arguments = self._take(words)
        assert program == "media-pipeline"
        return self._start(*arguments, **self.settings)

    def set_variables(self, **words: object) -> None:
        """Carry out the lines that come next and only set variables."""
        while self._left and self._left[0].startswith("export "):
            name, _, value = self._left.pop(0).removeprefix("export ").partition("=")
            known = "cloudinary_url" if name == "CLOUDINARY_URL" else name.removeprefix("MEDIA_PIPELINE_").lower()
            self.settings[known] = _filled_in(value, words)

    def try_out(self, *arguments: str, code: int | None = None, **settings: object) -> Ended:
        """A command that the page does not name here: what the daemon, or somebody else, does."""
        ended = self._call(*arguments, **{**self.settings, **settings})
        self._said.append(ended.out + ended.err)
        assert code is None or ended.code == code, (arguments, ended)
        return ended

    def heard(self, text: str) -> None:
        """Something else that the operator was told: an answer, a log."""
        self._said.append(text)

    def require_alarm(self) -> None:
        """Every word under "Alarm" was said by now; what was said is forgotten."""
        self._require(self.entry.alarm)

    def require_mended(self) -> None:
        """Every word under "It is mended when" was said since, and no line of the page is left."""
        self._require(self.entry.mended)
        assert self._left == [], "the page goes on"

    def _require(self, lines: tuple[str, ...]) -> None:
        said = "\n".join(self._said)
        self._said.clear()
        assert [line for line in lines if not says(said, line)] == [], said

    def _take(self, words: dict[str, object]) -> list[str]:
        self.set_variables(**words)
        assert self._left, "the page has no further command"
        line = _filled_in(self._left.pop(0), words)
        return shlex.split(Template(line).substitute(environment(self.settings)))

    def _run(self, arguments: list[str]) -> Ended:
        variables = environment(self.settings)
        variables["PATH"] = os.pathsep.join((str(binaries()), variables["PATH"]))
        done = subprocess.run(
            arguments, env=variables, cwd=self._directory, capture_output=True, text=True, timeout=60, check=False
        )
        return Ended(done.returncode, done.stdout, done.stderr)


def _filled_in(text: str, words: dict[str, object]) -> str:
    """Replace the words in capitals that are filled in; those behind a dollar are variables."""
    return re.sub(r"(?<![$\w])[A-Z][A-Z_]*(?!\w)", lambda found: str(words.get(found[0], found[0])), text)


def rig_of(deployment: Deployment) -> Rig:
    """The hands of an outsider on the same cloud, and reads of the same database."""
    return Rig(deployment.engine, deployment.endpoints, deployment.control, deployment.settings)


def edit(engine: Engine, public_id: str, assignments: str) -> None:
    """Somebody edits a row with plain SQL."""
    with engine.begin() as connection:
        found = connection.exec_driver_sql(
            f"update media_assets set {assignments} where public_id = %(public_id)s", {"public_id": public_id}
        )
        assert found.rowcount == 1


def make_due(deployment: Deployment) -> None:
    """The pauses after failed tries are over, and so are claims of the dead and the hour of the allowance."""
    with deployment.engine.begin() as connection:
        for text in (
            "update outbox.operation set not_before = '-infinity' where state = 'pending'",
            "update outbox.operation set leased_until = clock_timestamp() - interval '1 s' where state = 'leased'",
            "update mirror.verify_queue set not_before = now()",
            "delete from ops.api_budget",
        ):
            connection.exec_driver_sql(text)


def hours_pass(deployment: Deployment, hours: int) -> None:
    """Every run and every touch of the canary so far was earlier by some hours."""
    with deployment.engine.begin() as connection:
        for text in (
            "update ops.run set started_at = started_at - {0}, finished_at = finished_at - {0}",
            "update ops.canary_touch set touched_at = touched_at - {0}, applied_at = applied_at - {0},"
            " notified_at = notified_at - {0}",
        ):
            connection.exec_driver_sql(text.format(f"interval '{hours} hours'"))


class Cloud:
    """An emulator that a test may stop and start again: the same state, the same port."""

    endpoints: Endpoints

    def __init__(self, state: Path) -> None:
        self._state = state
        self._running = ExitStack()
        self.start()

    def start(self, *, api_key: str = API_KEY, api_secret: str = API_SECRET) -> None:
        """Start it, with another key where it has one."""
        config = EmulatorConfig(self._state, "tests", api_key=api_key, api_secret=api_secret)
        self.endpoints = self._running.enter_context(EmulatorThread(config)).endpoints

    def stop(self) -> None:
        """Stop it."""
        self._running.close()


@pytest.fixture
def cloud(tmp_path: Path, sample_cloud: Path) -> Iterator[Cloud]:
    """A cloud of this test's own, with the beginning of the sample library."""
    state = tmp_path / "cloud"
    shutil.copytree(sample_cloud, state)
    cloud = Cloud(state)
    yield cloud
    cloud.stop()


@pytest.fixture
def emulator(cloud: Cloud) -> Endpoints:
    return cloud.endpoints


@pytest.fixture
def receiving(start: Start) -> Receiving:
    """Starts ``receive`` as a process; returns the address of its webhook."""

    def receive(settings: Mapping[str, object]) -> str:
        return address_of(start("receive", "--port", "0", **{"spool_reserve_bytes": 0, **settings}))

    return receive


def address_of(receiver: subprocess.Popen[str]) -> str:
    """Where a receiver that was just started says that it listens."""
    assert receiver.stdout is not None
    line = receiver.stdout.readline()
    assert line.startswith("Receiving webhooks at "), receiver.communicate()
    return line.split()[-1]


@pytest.fixture
def drill(request: pytest.FixtureRequest, call: Call, start: Start, tmp_path: Path) -> Drill:
    """The entry whose name the test has."""
    (entry,) = (one for one in runbook.entries() if one.test == request.node.originalname)
    return Drill(entry, call, start, tmp_path)


@pytest.fixture
def ready(drill: Drill, mirrored: Deployment) -> Deployment:
    """A mirrored cloud, and an operator whose terminal is set up for it."""
    drill.settings |= mirrored.variables
    return mirrored
