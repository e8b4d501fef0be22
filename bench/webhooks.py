"""Webhooks kept and answered a second, beside a route that does nothing; what a kill leaves; the rest of the way.

    python bench/webhooks.py             # tables; about a minute
    python bench/webhooks.py --json      # one JSON object, see Figures
    python bench/webhooks.py --markdown  # the tables for docs/performance.md

Belongs here: the command line, what is sent, the figures.
Not here: the server (``side_receiver``), the load (``load``), the receiver itself (``media_pipeline.intake``).

Each number of connections is measured in one server process, the two routes in turn in six short rounds that count
together, so that other work on the machine meets both. CPU is that of the server's process.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import cast

# As in first_sync: the package need not be installed.
_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))

import msgspec  # noqa: E402
import psutil  # type: ignore[import-untyped]  # noqa: E402
from rich import box  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from bench import arrival, load  # noqa: E402
from bench.arrival import Arrival  # noqa: E402
from bench.side_receiver import EMPTY_PATH  # noqa: E402
from media_pipeline.errors import TornFile  # noqa: E402
from media_pipeline.intake.change_file import Notification  # noqa: E402
from media_pipeline.intake.receiver import PATH  # noqa: E402
from media_pipeline.intake.spool import Spool  # noqa: E402
from media_pipeline.vocabulary import Channel  # noqa: E402

_SECRET = "bench-secret-of-the-receiver"
_CONNECTIONS = (1, 8, 32, 128)
_ROUNDS = 6
_WARM_UP = 200
_PUTS = 200
_MOST_REQUESTS = 200_000
_DIFFERENT = 5_000
_START_SECONDS = 30

_messages = Console(stderr=True)


class ConnectionFigures(msgspec.Struct, frozen=True):
    """One number of connections: acknowledged a second, CPU a request, and how long one of ours took."""

    connections: int
    ours_per_second: float
    empty_per_second: float
    ratio: float
    ours_cpu_us: float
    empty_cpu_us: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Figures(msgspec.Struct, frozen=True):
    """What the script prints.

    Attributes:
        put_ms: median time to keep one notification with nothing else going on, which bounds a single sender.
        acknowledged: answered with 200 by a receiver that was killed by SIGKILL in the middle.
        missing: of these, how many no change file holds; the promise is 0.
        torn: visible change files that are not whole; the promise is 0.
        unacknowledged: held by a change file although no answer came; senders send these again.
        arrival: from the change to its row, and the rate of the drain; None where not asked for.
    """

    cores: int
    load_average: float
    body_bytes: int
    put_ms: float
    connections: list[ConnectionFigures]
    kills: int
    acknowledged: int
    missing: int
    torn: int
    unacknowledged: int
    arrival: Arrival | None


def main() -> int:
    """Measure and print; everything that was started is stopped, also on Ctrl-C."""
    arguments = _parse()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        found = measure(arguments.connections, arguments.seconds, arguments.kills, arguments.changes, arguments.drained)
    except KeyboardInterrupt:
        _messages.print("Interrupted; everything is stopped.")
        return 130
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        _print(found, box.MARKDOWN if arguments.markdown else box.SIMPLE_HEAD)
    return 0


def measure(connections: list[int], seconds: float, kills: int, changes: int, drained: int) -> Figures:
    """Measure every number of connections, kill a receiver *kills* times under load, then follow changes."""
    load_average = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="mp-webhooks-") as directory, _served(Path(directory)) as (port, served):
        process = psutil.Process(served.pid)
        put_ms = 1000 * median(_put(Path(directory)) for _ in range(_PUTS))
        figures = [_at(port, process, Path(directory), count, seconds) for count in connections]
    acknowledged = missing = torn = unacknowledged = 0
    for kill in range(kills):
        with tempfile.TemporaryDirectory(prefix="mp-webhooks-") as directory:
            with _messages.status(f"Killing a receiver under load, {kill + 1} of {kills} …"):
                answered = _killed(Path(directory), seconds=0.3 + seconds * (kill + 1) / kills)
            kept, torn_here = _kept(Path(directory))
        acknowledged += len(answered)
        missing += len(answered - kept)
        torn += torn_here
        unacknowledged += len(kept - answered)
    return Figures(
        cores=os.cpu_count() or 1,
        load_average=load_average,
        body_bytes=len(_body("0")),
        put_ms=put_ms,
        connections=figures,
        kills=kills,
        acknowledged=acknowledged,
        missing=missing,
        torn=torn,
        unacknowledged=unacknowledged,
        arrival=arrival.measure(changes, drained) if changes else None,
    )


def _at(port: int, process: psutil.Process, home: Path, connections: int, seconds: float) -> ConnectionFigures:
    routes = {"ours": _Route(PATH), "empty": _Route(EMPTY_PATH)}
    with _messages.status(f"{connections} connections …"):
        for route in routes.values():
            load.send(port, iter(route.requests[:_WARM_UP]), connections=connections, seconds=1, most=_WARM_UP)
        for _ in range(_ROUNDS):
            for route in routes.values():
                before = process.cpu_times()
                found = load.send(
                    port,
                    cycle(route.requests),
                    connections=connections,
                    seconds=seconds / _ROUNDS,
                    most=_MOST_REQUESTS // _ROUNDS,
                )
                after = process.cpu_times()
                if found.others:
                    raise RuntimeError(f"{len(found.others)} requests were not answered with 200")
                route.seconds += found.seconds
                route.cpu_seconds += after.user - before.user + after.system - before.system
                route.latencies += found.latencies
            for file in (home / "spool" / "new").iterdir():
                file.unlink()
    ours, empty = routes["ours"], routes["empty"]
    latencies = sorted(ours.latencies)
    p50, p95, p99 = (1000 * latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.95, 0.99))
    return ConnectionFigures(
        connections=connections,
        ours_per_second=ours.per_second,
        empty_per_second=empty.per_second,
        ratio=ours.per_second / empty.per_second,
        ours_cpu_us=ours.cpu_us,
        empty_cpu_us=empty.cpu_us,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


class _Route:
    """What is sent to one route, and what it took in all rounds."""

    def __init__(self, path: str) -> None:
        self.requests = list(islice(_requests(path), _DIFFERENT))
        self.seconds = 0.0
        self.cpu_seconds = 0.0
        self.latencies: list[float] = []

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    @property
    def cpu_us(self) -> float:
        return 1_000_000 * self.cpu_seconds / len(self.latencies)


def _put(home: Path) -> float:
    """Seconds to keep one notification."""
    spool = Spool(home / "spool", file_limit=_MOST_REQUESTS, reserve_bytes=0)
    notification = Notification(_body("0"), datetime.now(UTC), Channel.WEBHOOK, {"key": "1"})
    started = time.perf_counter()
    file = spool.put([notification])
    seconds = time.perf_counter() - started
    file.unlink()
    return seconds


def _killed(home: Path, *, seconds: float) -> set[str]:
    """Send until the receiver is killed after *seconds*; the keys that were acknowledged."""
    with _served(home) as (port, process):
        threading.Timer(seconds, process.kill).start()
        found = load.send(port, _requests(PATH), connections=32, seconds=seconds + 5, most=_MOST_REQUESTS)
    return set(found.keys)


def _kept(home: Path) -> tuple[set[str], int]:
    """The keys of all notifications in visible change files, and how many files are torn."""
    spool = Spool(home / "spool", file_limit=1, reserve_bytes=0)
    kept: set[str] = set()
    torn = 0
    for file in spool.claim("bench", _MOST_REQUESTS):
        try:
            kept |= {str(msgspec.json.decode(one.body)["public_id"]) for one in spool.read(file)}
        except TornFile:
            torn += 1
    return kept, torn


@contextmanager
def _served(home: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A receiver in a process of its own; its port."""
    command = (sys.executable, str(_ROOT / "bench" / "side_receiver.py"), str(home), _SECRET)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError("the receiver did not start")
        yield int(line), process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _requests(path: str) -> Iterator[tuple[str, bytes]]:
    """Signed requests without end, each with a public_id of its own."""
    number = 0
    while True:
        key = f"bench/{number}"
        body, timestamp = _body(key), str(int(time.time()))
        signature = hashlib.sha256(body + timestamp.encode() + _SECRET.encode()).hexdigest()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Cloudinary\r\nContent-Type: application/json\r\n"
            f"X-Cld-Timestamp: {timestamp}\r\nX-Cld-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield key, head.encode() + body
        number += 1


def _body(key: str) -> bytes:
    """A notification of an upload, as long as a real one."""
    name = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    return msgspec.json.encode(
        {
            "notification_type": "upload",
            "timestamp": "2026-11-23T09:46:20+00:00",
            "request_id": name,
            "asset_id": name,
            "public_id": key,
            "version": 1_795_391_744,
            "version_id": name,
            "width": 1920,
            "height": 1280,
            "format": "jpg",
            "resource_type": "image",
            "created_at": "2026-11-23T09:46:20Z",
            "tags": ["harbour", "morning"],
            "bytes": 481_516,
            "type": "upload",
            "etag": name,
            "placeholder": False,
            "url": f"http://res.cloudinary.com/emu-bench/image/upload/v1795391744/{key}.jpg",
            "secure_url": f"https://res.cloudinary.com/emu-bench/image/upload/v1795391744/{key}.jpg",
            "asset_folder": "bench",
            "display_name": key,
            "original_filename": "picture",
            "notification_context": {
                "triggered_at": "2026-11-23T09:46:20.123456+00:00",
                "triggered_by": {"source": "api", "id": "123456789012345"},
            },
            "signature_key": "123456789012345",
        }
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=cast(str, __doc__).splitlines()[0])
    parser.add_argument("--connections", type=_numbers, default=list(_CONNECTIONS), help="separated by commas")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement (default 3)")
    parser.add_argument("--kills", type=int, default=5, help="receivers that are killed under load (default 5)")
    parser.add_argument("--changes", type=int, default=50, help="followed to their rows (default 50; 0: none)")
    parser.add_argument("--drained", type=int, default=20_000, help="notifications to drain (default 20,000)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--markdown", action="store_true", help="the tables for the documentation")
    arguments = parser.parse_args()
    if not 0.2 <= arguments.seconds <= 60:
        parser.error("--seconds takes 0.2 to 60")
    if not 0 <= arguments.kills <= 100:
        parser.error("--kills takes 0 to 100")
    if not (arguments.changes == 0 or 2 <= arguments.changes <= 1000) or not 1 <= arguments.drained <= 1_000_000:
        parser.error("--changes takes 0, or 2 to 1000; --drained takes 1 to 1,000,000")
    return arguments


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if not all(1 <= number <= 500 for number in numbers):
        raise ValueError(text)
    return numbers


def _print(found: Figures, form: box.Box) -> None:
    console = Console(width=120)
    console.print(
        f"Bodies of {found.body_bytes} bytes, {found.cores} cores, load {found.load_average:.1f} at the start, "
        f"{found.put_ms:.1f} ms to keep one alone\n"
    )
    rates = Table("connections", box=form)
    for heading in ("kept a second", "empty route", "ratio", "CPU µs", "empty", "p50 ms", "p95 ms", "p99 ms"):
        rates.add_column(heading, justify="right")
    for one in found.connections:
        rates.add_row(
            str(one.connections),
            f"{one.ours_per_second:,.0f}",
            f"{one.empty_per_second:,.0f}",
            f"{one.ratio:.2f}",
            f"{one.ours_cpu_us:.0f}",
            f"{one.empty_cpu_us:.0f}",
            f"{one.p50_ms:.1f}",
            f"{one.p95_ms:.1f}",
            f"{one.p99_ms:.1f}",
        )
    console.print(rates)
    kills = Table(box=form)
    for heading in ("killed", "acknowledged", "missing", "torn", "kept, not acknowledged"):
        kills.add_column(heading, justify="right")
    kills.add_row(
        *(f"{n:,}" for n in (found.kills, found.acknowledged, found.missing, found.torn, found.unacknowledged))
    )
    console.print(kills)
    if found.arrival is not None:
        way = Table(box=form)
        for heading in ("changes followed", "to the row, p50 s", "p95 s", "notifications drained", "a second"):
            way.add_column(heading, justify="right")
        way.add_row(
            str(found.arrival.changes),
            f"{found.arrival.lag_p50_seconds:.2f}",
            f"{found.arrival.lag_p95_seconds:.2f}",
            f"{found.arrival.drained:,}",
            f"{found.arrival.drained_per_second:,.0f}",
        )
        console.print(way)


if __name__ == "__main__":
    raise SystemExit(main())
