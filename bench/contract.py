"""What the script asks of one measured side, and what the side answers.

Belongs here: the task, the measurement, the life of the child process that does the work.
Not here: what a side does (``side_*``), what the figures mean (``figures``).

Every phase of every side is a process of its own, so that its peak memory is its own and nothing is warm that a
real second run would find cold. What is timed begins after the imports.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]

_LOOK_SECONDS = 0.2


class Side(StrEnum):
    """Who does the work; the value is the name of the module."""

    OURS = "side_ours"
    DLT = "side_dlt"
    FLOOR = "side_floor"


class Phase(StrEnum):
    """The first time on an empty database, or again with nothing changed."""

    FIRST = "first"
    UNCHANGED = "unchanged"


class Task(msgspec.Struct, frozen=True):
    """One phase of one side.

    Attributes:
        database_url: a database of the side's own.
        pages: directory of the page bodies, for the sides that make no requests.
        home: directory of the side's own, kept from the first phase to the second.
        is_tuned: whether dlt runs with its fast settings or with its defaults.
    """

    database_url: str
    cloudinary_url: str
    pages: str
    home: str
    is_tuned: bool = True


class Measurement(msgspec.Struct, frozen=True):
    """One phase as its process saw it.

    Attributes:
        seconds: by the clock; ``steps`` are parts of it.
        cpu_seconds: of the process and its workers; beside other work on the machine it says more than the clock.
        peak_rss_bytes: of the process at its largest, and of its workers as far as looking five times a second shows.
        postgres_cpu_seconds: of all of Postgres meanwhile; counted from outside.
    """

    seconds: float
    cpu_seconds: float
    steps: dict[str, float]
    peak_rss_bytes: int
    postgres_cpu_seconds: float = 0.0


class SideFailed(RuntimeError):
    """A side ended without a measurement; its messages went to standard error."""


class Stopwatch:
    """Seconds by step, in the order in which the steps began."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        """Give the time since the last lap, or since the start, to *step*."""
        now = time.perf_counter()
        self.steps[step] = self.steps.get(step, 0.0) + now - self._last
        self._last = now


def measure(side: Side, task: Task) -> Measurement:
    """Do one phase in a child process; the child and its own children end with this call, however it ends.

    Raises:
        SideFailed: it did not get through.
    """
    with subprocess.Popen(
        [sys.executable, "-m", f"bench.{side}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=task.home,
        # A session, and so a group of processes, of its own: the workers of a killed side would wait for ever.
        start_new_session=True,
    ) as child:
        worker_peaks: dict[int, int] = {}
        try:
            answer = _answer(child, msgspec.json.encode(task), worker_peaks)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    if child.returncode != 0:
        raise SideFailed(f"{side} ended with code {child.returncode}.")
    measured = msgspec.json.decode(answer, type=Measurement)
    return msgspec.structs.replace(measured, peak_rss_bytes=measured.peak_rss_bytes + sum(worker_peaks.values()))


def _answer(child: subprocess.Popen[bytes], question: bytes, worker_peaks: dict[int, int]) -> bytes:
    """What the child prints until it ends; meanwhile looks how large its worker processes are."""
    unsent: bytes | None = question
    while True:
        try:
            return child.communicate(unsent, timeout=_LOOK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            unsent = None
            with suppress(psutil.Error):
                for worker in psutil.Process(child.pid).children(recursive=True):
                    size = worker.memory_info().rss
                    worker_peaks[worker.pid] = max(size, worker_peaks.get(worker.pid, 0))


def serve(work: Callable[[Task, Stopwatch], None]) -> None:
    """The child's part: take the task from standard input, do it, tell how it went on standard output."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    stopwatch = Stopwatch()
    started, cpu_started = time.perf_counter(), _cpu_seconds()
    work(task, stopwatch)
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu_started
    measured = Measurement(seconds, cpu_seconds, stopwatch.steps, _peak_rss_bytes())
    sys.stdout.buffer.write(msgspec.json.encode(measured))


def _cpu_seconds() -> float:
    """CPU of this process and of its worker processes, which have ended."""
    workers = os.times()
    return time.process_time() + workers.children_user + workers.children_system


def _peak_rss_bytes() -> int:
    """Largest resident size of this process, shared libraries included."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        # macOS tells bytes. (On Linux this figure would begin at the size of the parent.)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
