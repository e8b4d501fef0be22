"""What all sides are measured on: one emulator, one Postgres, the pages on disk.

Belongs here: starting, filling and stopping them; the life of a side's database; counting what our side did.
Not here: what the sides do, the figures.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from bench import contract, side_floor
from bench.contract import Measurement, Phase, Side, Task
from bench.figures import Effects, Round
from media_pipeline import settings as settings_module
from media_pipeline.db import engine as engine_module
from media_pipeline.db import migrate
from media_pipeline.db.embedded import EmbeddedServer
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorProcess
from media_pipeline.remote import payloads
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient

_QUOTA_PER_HOUR = 10_000_000
_DISCONNECT_SECONDS = 30
_SCHEMAS = {Side.OURS: "public", Side.DLT: "library", Side.FLOOR: "floor"}


class WrongResult(RuntimeError):
    """A side did not do the work that was timed."""


@contextmanager
def prepared(assets: int) -> Iterator[Stage]:
    """A stage with a library of *assets* made-up assets; everything it started ends with the block."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mp-bench-")))
        emulator = EmulatorProcess(EmulatorConfig(directory / "emulator", "bench", quota_per_hour=_QUOTA_PER_HOUR))
        endpoints = stack.enter_context(emulator).endpoints
        control = stack.enter_context(ControlClient(endpoints))
        server = stack.enter_context(EmbeddedServer(directory / "postgres-home"))
        control.bulk(assets)
        yield Stage(assets, directory, endpoints.cloudinary_url, server.url, control)


@dataclass(frozen=True, slots=True)
class Stage:
    """A running emulator that holds *assets*, and a running Postgres."""

    assets: int
    directory: Path
    cloudinary_url: str
    server_url: str
    control: ControlClient

    @property
    def pages(self) -> Path:
        """Where `fetch_pages` puts the page bodies."""
        return self.directory / "pages"

    def fetch_pages(self) -> None:
        """Keep the answers of the listing byte for byte, for the sides that make no requests."""
        self.pages.mkdir()
        settings = settings_module.load(home=self.directory, CLOUDINARY_URL=self.cloudinary_url)
        assert settings.cloud is not None
        with CloudinaryClient(
            settings.cloud, settings=settings, budget=UnlimitedBudget(), refuse_emulator=False
        ) as client:
            number = 0
            for slice_ in settings.slices:
                cursor: str | None = None
                is_last = False
                while not is_last:
                    answer = client.list_page(slice_, cursor=cursor, page_size=settings.listing_page_size)
                    (self.pages / f"{number:06d}.json").write_bytes(answer.body)
                    cursor = payloads.split_page(answer.body, call="list").next_cursor
                    is_last = cursor is None
                    number += 1

    def measure_all(self) -> dict[Phase, Round]:
        """Every side, one after the other, each on an empty database of its own, first and unchanged."""
        ours = self.measure_ours()
        dlt = self._measure(Side.DLT, is_tuned=False)
        dlt_tuned = self._measure(Side.DLT, is_tuned=True)
        floor = self._measure(Side.FLOOR)
        return {
            phase: Round(*ours[phase], dlt=dlt[phase], dlt_tuned=dlt_tuned[phase], floor=floor[phase])
            for phase in Phase
        }

    def measure_ours(self) -> dict[Phase, tuple[Measurement, Effects]]:
        """Our side alone, with what it did."""
        found = {}
        with self._database(Side.OURS) as url:
            task = self._task(Side.OURS, url)
            for phase in Phase:
                self.control.clear_stats()
                before = _count_writes(url)
                measurement = self._phase(Side.OURS, phase, task)
                writes = _count_writes(url)
                routes = self.control.stats().routes.values()
                found[phase] = (
                    measurement,
                    Effects(
                        admin_calls=sum(route.requests for route in routes),
                        emulator_seconds=sum(route.seconds for route in routes),
                        media_assets_rows_written=writes[0] - before[0],
                        audit_rows_written=writes[1] - before[1],
                    ),
                )
        return found

    def _measure(self, side: Side, *, is_tuned: bool = True) -> dict[Phase, Measurement]:
        with self._database(side) as url:
            task = self._task(side, url, is_tuned=is_tuned)
            return {phase: self._phase(side, phase, task) for phase in Phase}

    def _task(self, side: Side, url: str, *, is_tuned: bool = True) -> Task:
        home = Path(tempfile.mkdtemp(prefix=f"{side}-", dir=self.directory))
        return Task(url, self.cloudinary_url, str(self.pages), str(home), is_tuned)

    def _phase(self, side: Side, phase: Phase, task: Task) -> Measurement:
        with psycopg.connect(task.database_url, autocommit=True) as connection:
            if phase is Phase.UNCHANGED:
                # Before a real second sync autovacuum has been here; in a benchmark it would come in its middle.
                connection.execute("vacuum (analyze)")
            connection.execute("checkpoint")
            postgres = _postgres_of(connection)
        cpu_before = _cpu_seconds(postgres)
        measurement = contract.measure(side, task)
        _wait_until_alone(task.database_url)
        used = _cpu_seconds(postgres) - cpu_before
        with psycopg.connect(task.database_url) as connection:
            table = sql.Identifier(_SCHEMAS[side], "media_assets")
            row = connection.execute(sql.SQL("select count(*) from {}").format(table)).fetchone()
        if row is None or row[0] != self.assets:
            raise WrongResult(f"{side} left {row and row[0]} of {self.assets} assets in its table.")
        return msgspec.structs.replace(measurement, postgres_cpu_seconds=used)

    @contextmanager
    def _database(self, side: Side) -> Iterator[str]:
        """A database for one side, gone with its block so that its upkeep does not slow the next side down."""
        name = f"{side}_{secrets.token_hex(4)}"
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            url = make_url(self.server_url).set(database=name).render_as_string(hide_password=False)
            try:
                if side in {Side.OURS, Side.FLOOR}:
                    engine = engine_module.create_engine(url, pool_size=1)
                    migrate.upgrade(engine)
                    engine.dispose()
                if side is Side.FLOOR:
                    side_floor.make_table(url)
                yield url
            finally:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _postgres_of(connection: psycopg.Connection) -> psutil.Process:
    """The server process, parent of all others of it."""
    return psutil.Process(connection.info.backend_pid).parent()


def _cpu_seconds(postgres: psutil.Process) -> float:
    """CPU that Postgres ever used: processes that ended count with their parent."""
    while True:
        living = postgres.children()
        try:
            times = [process.cpu_times() for process in (postgres, *living)]
        except psutil.NoSuchProcess:
            continue  # one ended meanwhile, e.g. of autovacuum: look again
        ended = times[0].children_user + times[0].children_system
        return float(ended + sum(one.user + one.system for one in times))


def _count_writes(url: str) -> tuple[int, int]:
    """Rows ever inserted or updated in media_assets, and entries in the audit log."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select coalesce(sum(t.n_tup_ins + t.n_tup_upd), 0)::bigint, (select count(*) from public.media_sync_log) "
            "from pg_stat_user_tables as t where t.relid = 'public.media_assets'::regclass"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _wait_until_alone(url: str) -> None:
    """Wait until the side's connections are gone: a backend tells its counts at its end at the latest."""
    deadline = time.monotonic() + _DISCONNECT_SECONDS
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(
            "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
            "and backend_type = 'client backend'"
        ).rowcount:
            if time.monotonic() > deadline:
                raise WrongResult("A side left a connection open.")
            time.sleep(0.02)
