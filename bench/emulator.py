"""How fast the emulator fills and pages through a library, and how much memory it holds meanwhile.

    python bench/emulator.py --assets 1000000         # a table
    python bench/emulator.py --assets 1000000 --json  # one JSON object, see Figures

Belongs here: the emulator alone, seen by plain HTTP. Not here: what a sync makes of its answers (``first_sync``).

Server time is what the emulator itself notes of a request, and includes waiting for a processor that others use;
processor time of its process stands beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# The package need not be installed; child processes find it by the same path.
_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))

import httpx  # noqa: E402
import msgspec  # noqa: E402
import psutil  # type: ignore[import-untyped]  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from media_pipeline.emulator.config import API_KEY, API_SECRET, Endpoints  # noqa: E402
from media_pipeline.emulator.control import ControlClient  # noqa: E402
from media_pipeline.emulator.server import EmulatorConfig, EmulatorProcess  # noqa: E402

_MOST_ASSETS = 10_000_000
_QUOTA_PER_HOUR = 10_000_000
_PAGE_SIZE = 500
_TIMEOUT_SECONDS = 600
# Pages at each end of a walk whose median counts.
_END_PAGES = 10
_ALL_MEMBERS = {"tags": "true", "context": "true", "metadata": "true"}
_LISTS: dict[str, tuple[str, dict[str, str]]] = {
    "type and delivery type": ("/resources/image/upload", {}),
    "type alone": ("/resources/image", {}),
    "start_at, ascending": ("/resources/image/upload", {"start_at": "2023-03-01T00:00:00Z", "direction": "asc"}),
    "prefix": ("/resources/image/upload", {"prefix": "catalogue/"}),
    "tag": ("/resources/image/tags/river-7", {}),
}
_SEARCHES: dict[str, dict[str, object]] = {
    "search, all": {"expression": ""},
    "search, changed since": {
        "expression": 'last_updated.updated_at>="2023-03-01T00:00:00Z"',
        "sort_by": [{"last_updated.updated_at": "asc"}],
    },
}

_messages = Console(stderr=True)


class Filling(msgspec.Struct, frozen=True):
    """The bulk call: wall and processor seconds, and what it left on disk."""

    wall_seconds: float
    cpu_seconds: float
    database_bytes: int


class Walk(msgspec.Struct, frozen=True):
    """One listing form from its first page to its last, 500 assets a page.

    Attributes:
        first_page_ms: Server time of the very first page; that of a search counts what the whole search finds.
        first_ms: Server time of a page at the beginning, the median of up to ten.
        last_ms: The same at the end; the last page of all, which is rarely full, is left out.
        cpu_ms: Processor time of the emulator's process per page, over the whole walk.
    """

    pages: int
    first_page_ms: float
    first_ms: float
    last_ms: float
    cpu_ms: float


class Memory(msgspec.Struct, frozen=True):
    """Resident memory of the emulator's process."""

    empty_bytes: int
    filled_bytes: int
    walked_bytes: int
    peak_bytes: int


class Figures(msgspec.Struct, frozen=True):
    """What was measured, on a machine of so many cores that had so much other work at the beginning."""

    assets: int
    cores: int
    load_average: float
    filling: Filling
    memory: Memory
    walks: dict[str, Walk]


@dataclass(frozen=True, slots=True)
class _Running:
    """An emulator in a process of its own, and ways to ask and to watch it."""

    control: ControlClient
    http: httpx.Client
    process: psutil.Process
    directory: Path

    def cpu_seconds(self) -> float:
        """Processor time that the process has used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def memory_bytes(self) -> int:
        """Resident memory now."""
        return int(self.process.memory_info().rss)

    def peak_bytes(self) -> int:
        """The most resident memory the process ever had; that of now where the system does not tell."""
        status = Path(f"/proc/{self.process.pid}/status")
        if status.exists():
            for line in status.read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return self.memory_bytes()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=100_000, help=f"size of the library, at most {_MOST_ASSETS:,}")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    if not 1 <= arguments.assets <= _MOST_ASSETS:
        parser.error(f"--assets is from 1 to {_MOST_ASSETS:,}")
    try:
        figures = measure(arguments.assets)
    except KeyboardInterrupt:
        _messages.print("Interrupted; everything is stopped.")
        return 130
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    else:
        Console().print(_table(figures))
    return 0


def measure(assets: int) -> Figures:
    """Fill an emulator with made-up assets and walk it in every way."""
    load_average = round(os.getloadavg()[0], 2)
    with _started() as running:
        empty_bytes = running.memory_bytes()
        with _messages.status(f"Making up {assets:,} assets …"):
            filling = _fill(running, assets)
        filled_bytes = running.memory_bytes()
        walks = {}
        for name in (*_LISTS, *_SEARCHES):
            with _messages.status(f"Walking: {name} …"):
                walks[name] = _walk(running, name)
        memory = Memory(empty_bytes, filled_bytes, running.memory_bytes(), running.peak_bytes())
    return Figures(assets, os.cpu_count() or 1, load_average, filling, memory, walks)


@contextmanager
def _started() -> Iterator[_Running]:
    with tempfile.TemporaryDirectory(prefix="mp-bench-") as name:
        directory = Path(name)
        config = EmulatorConfig(directory, "bench", quota_per_hour=_QUOTA_PER_HOUR)
        with (
            EmulatorProcess(config) as emulator,
            ControlClient(emulator.endpoints) as control,
            _client(emulator.endpoints) as http,
        ):
            yield _Running(control, http, psutil.Process(emulator.pid), directory)


def _client(endpoints: Endpoints) -> httpx.Client:
    root = f"{endpoints.base_url}/v1_1/{endpoints.cloud_name}"
    return httpx.Client(base_url=root, auth=(API_KEY, API_SECRET), trust_env=False, timeout=_TIMEOUT_SECONDS)


def _fill(running: _Running, assets: int) -> Filling:
    started, used = time.perf_counter(), running.cpu_seconds()
    running.control.bulk(assets)
    return Filling(
        wall_seconds=round(time.perf_counter() - started, 1),
        cpu_seconds=round(running.cpu_seconds() - used, 1),
        database_bytes=sum(path.stat().st_size for path in running.directory.glob("emulator.sqlite*")),
    )


def _walk(running: _Running, name: str) -> Walk:
    running.control.clear_journal()
    used, pages = running.cpu_seconds(), 0
    cursor: str | None = ""
    seconds: list[float] = []
    while cursor is not None:
        answer = _page(running.http, name, cursor).raise_for_status()
        cursor = msgspec.json.decode(answer.content, type=_Page).next_cursor
        pages += 1
        if pages % 1000 == 0:
            # The journal keeps a bounded number of requests.
            seconds += [entry.seconds for entry in running.control.journal()]
            running.control.clear_journal()
    seconds += [entry.seconds for entry in running.control.journal()]
    full = seconds[:-1] or seconds
    return Walk(
        pages=pages,
        first_page_ms=_milliseconds(seconds[:1]),
        first_ms=_milliseconds(full[:_END_PAGES]),
        last_ms=_milliseconds(full[-_END_PAGES:]),
        cpu_ms=round((running.cpu_seconds() - used) / pages * 1000, 2),
    )


class _Page(msgspec.Struct):
    next_cursor: str | None = None


def _page(http: httpx.Client, name: str, cursor: str) -> httpx.Response:
    paging = {"max_results": _PAGE_SIZE} | ({"next_cursor": cursor} if cursor else {})
    if name in _LISTS:
        path, query = _LISTS[name]
        return http.get(path, params={**_ALL_MEMBERS, **query, **paging})
    body = {"with_field": ["tags", "context", "metadata"], **_SEARCHES[name], **paging}
    return http.post("/resources/search", json=body)


def _milliseconds(seconds: list[float]) -> float:
    return round(median(seconds) * 1000, 2)


def _table(figures: Figures) -> Table:
    filling, memory = figures.filling, figures.memory
    megabytes = [round(size / 1e6) for size in (memory.empty_bytes, memory.filled_bytes, memory.walked_bytes)]
    table = Table(
        title=f"{figures.assets:,} assets in {filling.wall_seconds} s, of which {filling.cpu_seconds} s of processor",
        caption=(
            f"Database {filling.database_bytes / 1e9:.2f} GB. Memory {megabytes[0]} MB empty, "
            f"{megabytes[1]} MB filled, {megabytes[2]} MB after all walks, "
            f"{round(memory.peak_bytes / 1e6)} MB at most. "
            f"{figures.cores} cores, load {figures.load_average}."
        ),
    )
    for heading in ("walk", "pages", "page 1, ms", "first pages, ms", "last pages, ms", "processor, ms a page"):
        table.add_column(heading, justify="left" if heading == "walk" else "right")
    for name, walk in figures.walks.items():
        table.add_row(
            name, f"{walk.pages:,}", f"{walk.first_page_ms}", f"{walk.first_ms}", f"{walk.last_ms}", f"{walk.cpu_ms}"
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
