"""A pusher that is killed at every point where it could matter, one after the other.

    python bench/crash.py         # a table
    python bench/crash.py --json  # one JSON object, see CrashFigures

Belongs here: the points, the killed process, the comparison of both sides afterwards.
Not here: the push (``media_pipeline.push``), faults of answers (the emulator's fault plan).

The points of a push are found by counting: before and after each commit, before each call that writes, and after each
such call while its answer is still unknown to the program. A process pushes operations of many kinds and is killed by
SIGKILL at one point; then another one goes on, with nothing but what lies in Postgres and in the cloud. For each point
there is a new database and an emptied cloud.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

# As in first_sync: the package need not be installed, and child processes find it by the same path.
_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))

import msgspec  # noqa: E402
import psycopg  # noqa: E402
from psycopg import sql  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from sqlalchemy import Engine  # noqa: E402
from sqlalchemy.engine import make_url  # noqa: E402

from media_pipeline import diff, listing, logs, mirror, push  # noqa: E402
from media_pipeline import settings as settings_module  # noqa: E402
from media_pipeline.budget import Ledger  # noqa: E402
from media_pipeline.db import engine as engine_module  # noqa: E402
from media_pipeline.db import migrate  # noqa: E402
from media_pipeline.db.embedded import EmbeddedServer  # noqa: E402
from media_pipeline.emulator.config import EmulatorConfig, Endpoints  # noqa: E402
from media_pipeline.emulator.control import ControlClient  # noqa: E402
from media_pipeline.emulator.server import EmulatorProcess  # noqa: E402
from media_pipeline.ops import binding, runs  # noqa: E402
from media_pipeline.progress import Silent  # noqa: E402
from media_pipeline.remote.caller import Caller  # noqa: E402
from media_pipeline.remote.client import CloudinaryClient  # noqa: E402
from media_pipeline.remote.identity import identify  # noqa: E402
from media_pipeline.settings import Settings  # noqa: E402
from media_pipeline.vocabulary import ResourceType, RunKind, RunState  # noqa: E402

_ROUNDS = 6
_CHILD_SECONDS = 60

_EDITS = {
    "a": "tags = array['new', 'kept']",
    "b": 'context = \'{"alt": "new"}\'',
    "c": "display_name = 'A new name', asset_folder = 'moved'",
    "d": "public_id = 'renamed/d'",
    "e": "deleted_at = now()",
    "f": "deleted_at = now()",
}
_UNTOUCHED = "g"

_ROADS = ("media_pipeline.db", "media_pipeline.remote")

_TIME_PASSES = (
    "update outbox.operation set leased_until = clock_timestamp() - interval '1 s' where state = 'leased'",
    "update outbox.operation set not_before = '-infinity' where state = 'pending'",
    "update mirror.verify_queue set not_before = now()",
)

_messages = Console(stderr=True)


class CrashFigures(msgspec.Struct, frozen=True):
    """What the script prints.

    Attributes:
        points: places at which a push was to be killed.
        killed: those at which it really died.
        lost: operations that did not end as done.
        wrong_asset: assets that changed or vanished although nobody asked for it.
        repeated: attempts made again because nobody could know of the first one's call; the effect was that of one.
        diverged: points after which the two sides were not equal.
        places: kills by their place: before or after a commit or a call, and the function that made it.
    """

    points: int
    killed: int
    lost: int
    wrong_asset: int
    repeated: int
    diverged: int
    places: dict[str, int]


def main() -> int:
    """Kill and compare; everything that was started is stopped, also on Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--every", type=int, default=1, help="take only every N-th point")
    parser.add_argument("--child", nargs=3, metavar=("DATABASE", "CLOUD", "POINT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    logs.configure(level="error")
    if arguments.child:
        _push_and_die(*arguments.child)
        return 0
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        found = measure(max(1, arguments.every))
    except KeyboardInterrupt:
        _messages.print("Interrupted; everything is stopped.")
        return 130
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        table = Table("points", "killed", "lost", "wrong asset", "repeated", "diverged")
        table.add_row(*(str(value) for value in msgspec.structs.astuple(found)[:-1]))
        places = Table("place", "killed")
        for place, count in sorted(found.places.items()):
            places.add_row(place, str(count))
        Console().print(table, places)
    return 0


def measure(every: int) -> CrashFigures:
    """Find the points of an undisturbed push, then die at each of them."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mp-crash-")))
        emulator = EmulatorProcess(EmulatorConfig(directory / "emulator", "crash"))
        endpoints = stack.enter_context(emulator).endpoints
        control = stack.enter_context(ControlClient(endpoints))
        server = stack.enter_context(EmbeddedServer(directory / "postgres-home"))
        template = _template(server.url)
        points = _Trial(server.url, template, endpoints, control, directory).find_points()
        chosen = list(enumerate(points, start=1))[::every]
        sums = [0] * 5
        places: Counter[str] = Counter()
        with _messages.status("Dying …") as status:
            for number, place in chosen:
                status.update(f"Dying at point {number} of {len(points)}, {place} …")
                one = _Trial(server.url, template, endpoints, control, directory).run(number)
                sums = [a + b for a, b in zip(sums, one, strict=True)]
                places[place] += one[0]
    return CrashFigures(len(chosen), *sums, dict(places))


def _template(server_url: str) -> str:
    name = "crash_template"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    engine = engine_module.create_engine(_at(server_url, name), pool_size=1)
    migrate.upgrade(engine)
    engine.dispose()
    return name


def _at(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


class _Trial:
    """One library, one push that dies, and what comes of it."""

    def __init__(
        self, server_url: str, template: str, endpoints: Endpoints, control: ControlClient, directory: Path
    ) -> None:
        self._server_url = server_url
        self._template = template
        self._endpoints = endpoints
        self._control = control
        # What a push remembers of its database is not true of the next trial's.
        home = Path(tempfile.mkdtemp(dir=directory))
        self._settings = _settings(_at(server_url, "crash_trial"), endpoints.cloudinary_url, home)

    def find_points(self) -> list[str]:
        """The places of a push that nobody disturbs, in their order."""
        with self._database() as engine:
            self._prepare(engine)
            counter = _Killer(None)
            with counter.watching(engine):
                _push_once(engine, self._settings)
            return counter.seen

    def run(self, point: int) -> tuple[int, int, int, int, int]:
        """Die at *point*, go on, and compare: killed, lost, wrong_asset, repeated, diverged."""
        with self._database() as engine:
            self._prepare(engine)
            before = self._there()
            engine.dispose()
            command = (
                sys.executable,
                __file__,
                "--child",
                self._settings_url,
                self._endpoints.cloudinary_url,
                str(point),
            )
            killed = subprocess.run(command, timeout=_CHILD_SECONDS, check=False).returncode == -signal.SIGKILL
            self._go_on(engine)
            return (int(killed), *self._compare(engine, before))

    @property
    def _settings_url(self) -> str:
        return _at(self._server_url, "crash_trial")

    def _database(self) -> _Database:
        return _Database(self._server_url, "crash_trial", self._template)

    def _prepare(self, engine: Engine) -> None:
        self._control.reset()
        with _client(engine, self._settings) as client:
            for number, name in enumerate((*_EDITS, _UNTOUCHED)):
                client.upload(
                    _picture(number),
                    public_id=name,
                    resource_type=ResourceType.IMAGE,
                    delivery_type="upload",
                    overwrite=True,
                    tags=["kept", "old"],
                    context={"alt": "old"},
                )
            with runs.running(engine, RunKind.FULL_SYNC, actor="cli:bench", dagster_run_id=None) as run_id:
                binding.bind(engine, identify(client), actor="cli:bench", run_id=run_id)
                listing.walk(engine, client, self._settings, run_id=run_id, progress=Silent())
                _take_over(engine, client, self._settings)
                runs.finish(engine, run_id, RunState.SUCCEEDED)
        for name, assignments in _EDITS.items():
            with engine.begin() as connection:
                connection.exec_driver_sql(f"update media_assets set {assignments} where public_id = '{name}'")

    def _go_on(self, engine: Engine) -> None:
        """Another process: claims of the dead one end, pauses are over, and it pushes until nothing is left."""
        for _ in range(_ROUNDS):
            with engine.begin() as connection:
                for statement in _TIME_PASSES:
                    connection.exec_driver_sql(statement)
            _push_once(engine, self._settings)
            with engine.connect() as connection:
                left = connection.exec_driver_sql("select count(*) from outbox.operation where finished_at is null")
                if left.scalar_one() == 0:
                    return

    def _compare(self, engine: Engine, before: dict[str, dict[str, object]]) -> tuple[int, int, int, int]:
        there = self._there()
        with engine.connect() as connection:
            states = connection.exec_driver_sql("select state from outbox.operation").scalars().all()
            calls = connection.exec_driver_sql(
                "select coalesce(sum(greatest(n - 1, 0)), 0) from (select count(*) as n from outbox.attempt"
                " where result is null or result in ('sent', 'unknown') group by operation_id) as t"
            ).scalar_one()
            here = {
                row.asset_id: (row.public_id, row.display_name, row.asset_folder, list(row.tags), dict(row.context))
                for row in connection.exec_driver_sql(
                    "select asset_id, public_id, display_name, asset_folder, tags, context from media_assets"
                    " where deleted_at is null"
                )
            }
        shown = {asset_id: _shown(document) for asset_id, document in there.items()}
        untouched = [one for one in before.values() if one["public_id"] == _UNTOUCHED]
        wrong = sum(1 for one in untouched if shown.get(str(one["asset_id"])) != _shown(one))
        kept = {name for name, assignments in _EDITS.items() if "deleted_at" not in assignments}
        wrong += len([one for one in before.values() if one["public_id"] in kept and one["asset_id"] not in there])
        lost = sum(state != "done" for state in states)
        return lost, wrong, int(calls), int(here != shown)

    def _there(self) -> dict[str, dict[str, object]]:
        """Every asset of the cloud, by asset_id."""
        cloud = self._settings
        engine = engine_module.create_engine(self._settings_url, pool_size=1)
        try:
            with _client(engine, cloud) as client:
                page = msgspec.json.decode(client.list_page(cloud.slices[0], cursor=None, page_size=500).body)
        finally:
            engine.dispose()
        return {one["asset_id"]: one for one in page["resources"] if not one.get("placeholder")}


def _shown(document: dict[str, object]) -> tuple[object, ...]:
    context = document.get("context") or {}
    custom = context.get("custom", {}) if isinstance(context, dict) else {}
    tags = document.get("tags") or []
    names = ("public_id", "display_name", "asset_folder")
    return *(document[name] for name in names), sorted(tags) if isinstance(tags, list) else [], custom


class _Database:
    """A database of one trial, gone with its block."""

    def __init__(self, server_url: str, name: str, template: str) -> None:
        self._server_url, self._name, self._template = server_url, name, template

    def __enter__(self) -> Engine:
        self._drop()
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {}").format(
                    sql.Identifier(self._name), sql.Identifier(self._template)
                )
            )
        self._engine = engine_module.create_engine(_at(self._server_url, self._name), pool_size=4)
        return self._engine

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()
        self._drop()

    def _drop(self) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(self._name)))


class _Killer:
    """Notes points, and dies at one of them."""

    def __init__(self, point: int | None) -> None:
        self._point = point
        self.seen: list[str] = []

    def __call__(self, moment: str) -> None:
        self.seen.append(f"{moment} of {_place()}")
        if len(self.seen) == self._point:
            os.kill(os.getpid(), signal.SIGKILL)

    def watching(self, engine: Engine) -> ExitStack:
        """Points before and after each commit, and around each call that writes."""
        stack = ExitStack()
        do_commit, write = engine.dialect.do_commit, Caller.write

        def commit(connection: object) -> None:
            self("before the commit")
            do_commit(connection)  # type: ignore[arg-type]
            self("after the commit")

        def call(caller: Caller, *arguments: object) -> object:
            self("before the call")
            answer = write(caller, *arguments)  # type: ignore[arg-type]
            self("after the call")
            return answer

        engine.dialect.do_commit = commit  # type: ignore[method-assign, assignment]
        Caller.write = call  # type: ignore[method-assign, assignment]
        stack.callback(setattr, engine.dialect, "do_commit", do_commit)
        stack.callback(setattr, Caller, "write", write)
        return stack


def _place() -> str:
    """The function of the program that commits or calls, whatever it does that by."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals["__name__"])
        if module.startswith("media_pipeline.") and not module.startswith(_ROADS):
            return f"{module.removeprefix('media_pipeline.')}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return "nobody"


def _push_and_die(database_url: str, cloudinary_url: str, point: str) -> None:
    """The process that is killed."""
    with tempfile.TemporaryDirectory(prefix="mp-crash-") as home:
        settings = _settings(database_url, cloudinary_url, Path(home))
        engine = engine_module.create_engine(database_url, pool_size=4)
        with _Killer(int(point)).watching(engine):
            _push_once(engine, settings)


def _push_once(engine: Engine, settings: Settings) -> None:
    push.plan(engine, settings, run_id=None)
    with _client(engine, settings) as client:
        for kinds in push.GROUPS:
            push.push(engine, client, settings, kinds, run_id=None, progress=Silent())
        _take_over(engine, client, settings)


def _take_over(engine: Engine, client: CloudinaryClient, settings: Settings) -> None:
    mirror.refresh(engine, client, settings, run_id=None, progress=Silent())
    diff.compute(engine, settings, run_id=None)
    diff.apply(engine, settings, run_id=None, progress=Silent())


def _settings(database_url: str, cloudinary_url: str, home: Path) -> Settings:
    return settings_module.load(
        home=home,
        database_url=database_url,
        CLOUDINARY_URL=cloudinary_url,
        delivery_types="upload",
        resource_types="image",
        undo_seconds=0,
        vault=False,
        apply_workers=1,
        listing_workers=1,
    )


def _client(engine: Engine, settings: Settings) -> CloudinaryClient:
    cloud = settings.cloud
    if cloud is None:
        raise RuntimeError("The emulator gave no address.")
    return CloudinaryClient(cloud, settings=settings, budget=Ledger(engine, {}), refuse_emulator=False)


def _picture(number: int) -> bytes:
    """A small picture of its own, as plain text that every reader of images knows."""
    return f"P3 2 1 255 {number} 7 9 {number} 8 1\n".encode()


if __name__ == "__main__":
    sys.exit(main())
