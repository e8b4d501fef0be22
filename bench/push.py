"""How many calls and how long it takes to push deletions and edits of tags.

    python bench/push.py --deletes 1000 --tags 1000         # a table
    python bench/push.py --deletes 1000 --tags 1000 --json  # one JSON object, see PushFigures

Belongs here: the command line, the edits, counting calls.
Not here: pushing itself (``media_pipeline.push``), the emulator and the database (``stage``).

The emulator answers each request of the push late by 50 ms, as a network would. The edits of tags are of ten different
kinds, so that some share a call. What is timed is the push with the reads that confirm it, not the sync before it.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from pathlib import Path

# As in first_sync: the package need not be installed.
_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))

import msgspec  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from sqlalchemy import Engine  # noqa: E402

from bench import stage  # noqa: E402
from media_pipeline import diff, listing, logs, mirror, push  # noqa: E402
from media_pipeline import settings as settings_module  # noqa: E402
from media_pipeline.budget import Ledger  # noqa: E402
from media_pipeline.db import engine as engine_module  # noqa: E402
from media_pipeline.db import migrate  # noqa: E402
from media_pipeline.emulator.control import ControlClient  # noqa: E402
from media_pipeline.emulator.faults import Kind, Rule  # noqa: E402
from media_pipeline.ops import binding, runs  # noqa: E402
from media_pipeline.progress import Silent  # noqa: E402
from media_pipeline.remote.client import CloudinaryClient  # noqa: E402
from media_pipeline.remote.identity import identify  # noqa: E402
from media_pipeline.settings import Settings  # noqa: E402
from media_pipeline.vocabulary import RunId, RunKind, RunState  # noqa: E402

_LATENCY_SECONDS = 0.05
_MOST = 20_000
_KINDS_OF_EDITS = 10

_messages = Console(stderr=True)


class PartFigures(msgspec.Struct, frozen=True):
    """One part of the push.

    Attributes:
        calls: requests by route, the reads before and after the calls included.
        confirmed: operations of which a read showed that they are done.
    """

    operations: int
    confirmed: int
    calls: dict[str, int]
    total_calls: int
    seconds: float
    operations_per_second: float


class PushFigures(msgspec.Struct, frozen=True):
    """What the script prints; ``fewest_deletion_calls`` is the least that batches of 100 and reads of 99 allow."""

    latency_seconds: float
    deletions: PartFigures
    tags: PartFigures
    fewest_deletion_calls: int


def main() -> int:
    """Measure and print; everything that was started is stopped, also on Ctrl-C."""
    arguments = _parse()
    logs.configure(level="error")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        found = measure(arguments.deletes, arguments.tags)
    except KeyboardInterrupt:
        _messages.print("Interrupted; everything is stopped.")
        return 130
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        Console().print(_table(found))
    return 0


def measure(deletes: int, tags: int) -> PushFigures:
    """Mirror a library, edit it by SQL, and push."""
    with stage.prepared(deletes + tags + 1) as prepared:
        settings = settings_module.load(
            home=prepared.directory,
            database_url=prepared.server_url,
            CLOUDINARY_URL=prepared.cloudinary_url,
            undo_seconds=0,
            deletion_limit_count=deletes,
        )
        engine = engine_module.create_engine(prepared.server_url, pool_size=settings.database_pool_size)
        migrate.upgrade(engine)
        try:
            with _messages.status(f"Mirroring {prepared.assets:,} assets …"):
                _sync(engine, settings)
            prepared.control.add_faults(Rule(Kind.DELAY, seconds=_LATENCY_SECONDS))
            _edit(
                engine,
                "update media_assets set tags = tags || array['pushed' || hashtext(asset_id) %% %(kinds)s]"
                " where asset_id in (select asset_id from media_assets order by asset_id limit %(count)s)",
                count=tags,
                kinds=_KINDS_OF_EDITS,
            )
            with _messages.status(f"Pushing {tags:,} edits of tags …"):
                edited = _push(engine, settings, prepared.control, tags)
            _edit(
                engine,
                "update media_assets set deleted_at = now()"
                " where asset_id in (select asset_id from media_assets order by asset_id desc limit %(count)s)",
                count=deletes,
            )
            with _messages.status(f"Pushing {deletes:,} deletions …"):
                deleted = _push(engine, settings, prepared.control, deletes)
        finally:
            engine.dispose()
    return PushFigures(_LATENCY_SECONDS, deleted, edited, math.ceil(deletes / 100) + math.ceil(deletes / 99))


def _edit(engine: Engine, statement: str, **parameters: int) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(statement, parameters)


def _sync(engine: Engine, settings: Settings) -> None:
    with (
        _client(engine, settings) as client,
        runs.running(engine, RunKind.FULL_SYNC, actor="cli:bench", dagster_run_id=None) as run_id,
    ):
        binding.bind(engine, identify(client), actor="cli:bench", run_id=run_id)
        listing.walk(engine, client, settings, run_id=run_id, progress=Silent())
        _take_over(engine, client, settings, run_id)
        runs.finish(engine, run_id, RunState.SUCCEEDED)


def _push(engine: Engine, settings: Settings, control: ControlClient, operations: int) -> PartFigures:
    control.clear_stats()
    started = time.perf_counter()
    with (
        _client(engine, settings) as client,
        runs.running(engine, RunKind.PUSH, actor="cli:bench", dagster_run_id=None) as run_id,
    ):
        push.plan(engine, settings, run_id=run_id)
        for kinds in (push.DELETIONS, push.UPDATES):
            push.push(engine, client, settings, kinds, run_id=run_id, progress=Silent())
        confirmed = _take_over(engine, client, settings, run_id)
        runs.finish(engine, run_id, RunState.SUCCEEDED)
    seconds = time.perf_counter() - started
    calls = {name: route.requests for name, route in sorted(control.stats().routes.items())}
    return PartFigures(
        operations, confirmed, calls, sum(calls.values()), round(seconds, 2), round(operations / seconds, 1)
    )


def _take_over(engine: Engine, client: CloudinaryClient, settings: Settings, run_id: RunId) -> int:
    mirror.refresh(engine, client, settings, run_id=run_id, progress=Silent())
    diff.compute(engine, settings, run_id=run_id)
    return diff.apply(engine, settings, run_id=run_id, progress=Silent()).confirmed_operations


def _client(engine: Engine, settings: Settings) -> CloudinaryClient:
    cloud = settings.cloud
    if cloud is None:
        raise RuntimeError("The emulator gave no address.")
    return CloudinaryClient(cloud, settings=settings, budget=Ledger(engine, {}), refuse_emulator=False)


def _table(found: PushFigures) -> Table:
    table = Table("part", "operations", "confirmed", "calls", "seconds", "operations/s", "by route")
    for name, part in (("deletions", found.deletions), ("tags", found.tags)):
        routes = ", ".join(f"{route} {count}" for route, count in part.calls.items())
        table.add_row(
            name,
            f"{part.operations:,}",
            f"{part.confirmed:,}",
            f"{part.total_calls:,}",
            f"{part.seconds:,}",
            f"{part.operations_per_second:,}",
            routes,
        )
    return table


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deletes", type=int, default=1000, help=f"deletions, 1 to {_MOST:,}")
    parser.add_argument("--tags", type=int, default=1000, help=f"edits of tags, 1 to {_MOST:,}")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    for name in ("deletes", "tags"):
        if not 1 <= getattr(arguments, name) <= _MOST:
            parser.error(f"--{name} is from 1 to {_MOST:,}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
