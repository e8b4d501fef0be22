"""The figures of a deployment as Prometheus reads them.

Belongs here: their names, units and help texts, the text that holds them, the file that it is left in.
Not here: what the receiver counts (``intake.tally``), alarms (``cli.alarm``).

A figure that is not known yet has a name and a help text and no sample: Prometheus tells absence from zero. Moments are
given as such, so that an age is counted when somebody asks for it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.errors import ConfigurationError
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.spool import SpoolDepth
from media_pipeline.intake.tally import PREFIX, gauge, spool_families
from media_pipeline.reads.operations import STUCK_ATTEMPTS
from media_pipeline.reads.status import Status, read_status
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import RunKind, RunState

_PAUSE_SECONDS: Final = 30.0
"""Between two writings of the file: each counts the library, a third of a second of Postgres for 100,000 assets."""


@dataclass(frozen=True, slots=True)
class NewestRun:
    """The newest run of its kind and state; what is None is not known, or not yet.

    Attributes:
        failure: name of the class of what it raised.
    """

    kind: RunKind
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    api_call_count: int | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """What waits for a person, since when, and edits that were tried often and are not done."""

    hold_count: int
    held_plan_count: int
    oldest_at: datetime | None
    stuck_operation_count: int


@dataclass(frozen=True, slots=True)
class Seals:
    """How far the log is sealed."""

    unsealed_entry_count: int
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What the vault has: share of the live assets, bytes, files that are damaged or gone."""

    covered_share: float
    file_bytes: int
    damaged_count: int


@dataclass(frozen=True, slots=True)
class Look:
    """All that the figures are made of; what there is none of is None."""

    status: Status
    runs: tuple[NewestRun, ...]
    stopped: Stopped
    seals: Seals
    vault: Kept | None
    spool: SpoolDepth | None
    wanted_cloud: str | None
    read_at: float


def exposition(engine: Engine, settings: Settings) -> bytes:
    """Read the figures and write them as Prometheus' text.

    Raises:
        DatabaseError, SpoolUnavailable: they cannot be read.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(look(engine, settings)))
    return generate_latest(registry)


def leave(engine: Engine, settings: Settings, path: Path, *, is_urgent: bool) -> None:
    """Replace *path* by the figures of now, unless it is less than half a minute old and nothing is urgent.

    Raises:
        ConfigurationError: the file cannot be written; what it was stays.
        DatabaseError, SpoolUnavailable: they cannot be read; the same.
    """
    try:
        age_seconds = time.time() - path.stat().st_mtime
    except OSError:
        age_seconds = _PAUSE_SECONDS
    if is_urgent or not 0 <= age_seconds < _PAUSE_SECONDS:
        replace(path, exposition(engine, settings))


def replace(path: Path, content: bytes) -> None:
    """Put *content* in the place of *path* in one step: a collector must never see half of a file.

    Raises:
        ConfigurationError: it cannot be written; what it was stays.
    """
    fresh: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as opened:
            fresh = Path(opened.name)
            opened.write(content)
            os.fchmod(opened.fileno(), 0o644)
        fresh.replace(path)
    except OSError as error:
        if fresh is not None:
            fresh.unlink(missing_ok=True)
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", hint="Name a file in a directory that is ours to write."
        ) from error


def look(engine: Engine, settings: Settings) -> Look:
    """Read what the figures are made of."""
    status = read_status(engine)
    with read_only(engine) as connection:
        runs = statements.run(connection, "reads/945_list_newest_runs").mappings()
        kept = None
        if settings.vault:
            found = statements.run(connection, "vault/070_read_status").one()
            # An empty library is covered.
            share = found.kept_count / found.asset_count if found.asset_count else 1.0
            kept = Kept(share, found.file_bytes, found.damaged_count)
        return Look(
            status=status,
            runs=tuple(
                NewestRun(**{**row, "kind": RunKind(row["kind"]), "state": RunState(row["state"])}) for row in runs
            ),
            stopped=Stopped(
                **statements.run(connection, "reads/940_read_stopped", attempt_count=STUCK_ATTEMPTS).mappings().one()
            ),
            seals=Seals(**statements.run(connection, "reads/950_read_seals").mappings().one()),
            vault=kept,
            spool=spool_of(settings).depth() if settings.spool.exists() else None,
            wanted_cloud=None if settings.cloud is None else settings.cloud.cloud_name,
            read_at=time.time(),
        )


class Figures(Collector):
    """One look."""

    def __init__(self, found: Look) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Every figure with its help text."""
        yield gauge("figures_timestamp_seconds", "When these figures were read.", self._found.read_at)
        bound, wanted = self._found.status.cloud, self._found.wanted_cloud
        yield gauge(
            "wrong_cloud",
            "1 where the settings name another cloud than the one that the database belongs to.",
            None if bound is None or wanted is None else bound.cloud_name != wanted,
        )
        yield from self._library()
        yield from self._runs()
        yield from self._edits()
        yield from self._arrival()
        yield from self._kept()
        yield from spool_families(self._found.spool)

    def _library(self) -> Iterator[Metric]:
        status = self._found.status
        library, allowance = status.statistics, status.allowance
        yield _gauges("assets", "Rows of media_assets.", ("state",), {
            ("live",): library["asset_count"], ("deleted",): library["deleted_count"],
        })  # fmt: skip
        yield gauge("library_bytes", "Size of the originals of live assets.", library["total_size_bytes"])
        yield gauge("assets_to_read", "Assets that wait to be read again by their id.", status.queue.asset_count)
        yield _moment(
            "assets_to_read_oldest_timestamp_seconds",
            "Since when the first of these waits; absent where none does.",
            status.queue.oldest_at,
        )
        yield gauge("records_quarantined", "Records that could not be understood.", status.quarantine.record_count)
        yield _gauges(
            "listing_complete_timestamp_seconds",
            "End of the newest complete listing of a slice.",
            ("resource_type", "delivery_type"),
            {
                (one.resource_type, one.delivery_type): one.complete_at.timestamp()
                for one in status.slices
                if one.complete_at is not None
            },
        )
        yield gauge(
            "api_calls_left",
            "Admin API calls left in the hour that was last heard of.",
            None if allowance is None else allowance.remaining_count,
        )
        yield gauge(
            "api_calls_limit", "Admin API calls of an hour.", None if allowance is None else allowance.limit_count
        )

    def _runs(self) -> Iterator[Metric]:
        runs, labels = self._found.runs, ("kind", "state")
        yield _gauges(
            "run_started_timestamp_seconds",
            "Start of the newest run of a kind in a state.",
            labels,
            {(run.kind, run.state): run.started_at.timestamp() for run in runs},
        )
        yield _gauges(
            "run_duration_seconds",
            "How long that run took; absent while it goes on.",
            labels,
            {
                (run.kind, run.state): (run.finished_at - run.started_at).total_seconds()
                for run in runs
                if run.finished_at is not None
            },
        )
        yield _gauges(
            "run_api_calls",
            "Admin API calls that it used.",
            labels,
            {(run.kind, run.state): run.api_call_count for run in runs if run.api_call_count is not None},
        )
        yield _gauges(
            "run_last_success_timestamp_seconds",
            "End of the newest run of a kind that succeeded, or was held for a person.",
            ("kind",),
            {(run.kind,): at.timestamp() for run in _newest(runs, _GOOD) if (at := run.finished_at) is not None},
        )
        yield _gauges(
            "run_failing",
            "1 where the newest run of a kind that ended failed, with the class of its error.",
            ("kind", "error"),
            {(run.kind, run.failure or "unknown"): 1 for run in _newest(runs, _ENDED) if run.state is RunState.FAILED},
        )

    def _edits(self) -> Iterator[Metric]:
        edits, stopped = self._found.status.edits, self._found.stopped
        yield _gauges("operations", "Edits on their way to Cloudinary; held ones are pending, too.", ("state",), {
            ("pending",): edits.pending_count, ("held",): edits.held_count, ("unconfirmed",): edits.unconfirmed_count,
        })  # fmt: skip
        yield _moment(
            "operation_oldest_timestamp_seconds",
            "First edit of the oldest operation that is on its way; absent where none is.",
            edits.oldest_at,
        )
        yield gauge(
            "operations_stuck",
            f"Edits that were tried {STUCK_ATTEMPTS} times or more and are neither done nor refused.",
            stopped.stuck_operation_count,
        )
        yield gauge("conflicts", "Fields that changed on both sides and wait for a person.", edits.conflict_count)
        yield gauge("holds", "Sets of deletions that wait for a person.", stopped.hold_count)
        yield gauge("plans_held", "Push plans that wait for a person.", stopped.held_plan_count)
        yield _moment(
            "held_oldest_timestamp_seconds",
            "Since when the oldest hold or held plan waits; absent where none does.",
            stopped.oldest_at,
        )

    def _arrival(self) -> Iterator[Metric]:
        status, lag = self._found.status, self._found.status.lag
        yield gauge("notification_gaps", "Gaps in the notifications that nothing repaired yet.", len(status.gaps))
        yield _moment(
            "last_proof_timestamp_seconds", "When the newest change was made that arrived.", lag.last_proved_at
        )
        for name, text, half, most in (
            ("arrival_seconds", "From a change to its row.", lag.applied_p50_seconds, lag.applied_p95_seconds),
            ("notice_seconds", "From a change to its notice.", lag.notified_p50_seconds, lag.notified_p95_seconds),
        ):
            shares = {("50",): half, ("95",): most}
            yield _gauges(
                name,
                f"{text} Percentiles of the last day.",
                ("percentile",),
                {share: float(value) for share, value in shares.items() if value is not None},
            )

    def _kept(self) -> Iterator[Metric]:
        seals, vault = self._found.seals, self._found.vault
        yield gauge("log_entries_unsealed", "Entries of the log that no seal covers yet.", seals.unsealed_entry_count)
        yield _moment("seal_timestamp_seconds", "When the newest seal of the log was made.", seals.sealed_at)
        yield gauge(
            "vault_covered_share",
            "Live assets whose originals the vault has, from 0 to 1; absent without a vault, like the others of it.",
            None if vault is None else vault.covered_share,
        )
        yield gauge("vault_bytes", "Size of whole files in the vault.", None if vault is None else vault.file_bytes)
        yield gauge(
            "vault_damaged_files",
            "Files of the vault that are damaged or gone.",
            None if vault is None else vault.damaged_count,
        )


_GOOD: Final = frozenset({RunState.SUCCEEDED, RunState.HELD})
_ENDED: Final = _GOOD | {RunState.FAILED}


def _newest(runs: Sequence[NewestRun], states: frozenset[RunState]) -> list[NewestRun]:
    """Of every kind, the newest run that is in one of *states*."""
    newest: dict[RunKind, NewestRun] = {}
    for run in sorted(runs, key=lambda one: one.started_at):
        if run.state in states:
            newest[run.kind] = run
    return list(newest.values())


def _moment(name: str, text: str, at: datetime | None) -> Metric:
    return gauge(name, text, None if at is None else at.timestamp())


def _gauges(name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for words, value in values.items():
        family.add_metric(words, float(value))
    return family
