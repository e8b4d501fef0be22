"""``media-pipeline metrics``: the figures of a deployment as Prometheus reads them.

Belongs here: their names, units and help texts.
Not here: the reads (``reads.status``), alarms (``cli.alarm``).

A figure that is not known yet is left out: Prometheus tells absence from zero.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from media_pipeline.cli import local, screen
from media_pipeline.db import migrate
from media_pipeline.errors import ConfigurationError, ExitCode
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.spool import SpoolDepth
from media_pipeline.ops import holds
from media_pipeline.reads.status import Status, read_status
from media_pipeline.settings import Settings

_PREFIX: Final = "media_pipeline_"


def command(settings: Settings, *, textfile: Path | None) -> ExitCode:
    """Print the figures, or replace *textfile* by them in one step.

    Raises:
        ConfigurationError: the file cannot be written; what it was stays.
        DatabaseError: they cannot be read.
    """
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        status, open_holds = read_status(engine), len(holds.list_holds(engine))
    depth = spool_of(settings).depth() if settings.spool.exists() else None
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(status, open_holds, depth))
    text = generate_latest(registry)
    if textfile is None:
        screen.out().print(text.decode(), markup=False, highlight=False, soft_wrap=True, end="")
    else:
        _replace(textfile, text)
    return ExitCode.OK


class _Figures(Collector):
    """One look."""

    def __init__(self, status: Status, open_holds: int, depth: SpoolDepth | None) -> None:
        self._status = status
        self._open_holds = open_holds
        self._depth = depth

    def collect(self) -> Iterator[Metric]:
        """Every figure with its help text."""
        status, lag = self._status, self._status.lag
        library, edits = status.statistics, status.edits
        yield _gauge("assets", "Rows of media_assets.", "state", {
            "live": library["asset_count"], "deleted": library["deleted_count"],
        })  # fmt: skip
        yield _gauge("library_bytes", "Size of the originals of live assets.", value=library["total_size_bytes"])
        yield _gauge("assets_to_read", "Assets that wait to be read again by their id.", value=status.queue.asset_count)
        yield _gauge(
            "records_quarantined", "Records that could not be understood.", value=status.quarantine.record_count
        )
        yield _gauge("operations", "Edits on their way to Cloudinary.", "state", {
            "pending": edits.pending_count, "held": edits.held_count, "unconfirmed": edits.unconfirmed_count,
        })  # fmt: skip
        yield _gauge(
            "conflicts", "Fields that changed on both sides and wait for a person.", value=edits.conflict_count
        )
        yield _gauge("holds", "Sets of deletions that wait for a person.", value=self._open_holds)
        yield _gauge(
            "notification_gaps", "Gaps in the notifications that nothing repaired yet.", value=len(status.gaps)
        )
        if status.allowance is not None:
            remaining = status.allowance.remaining_count
            yield _gauge("api_calls_left", "Admin API calls left in the hour that was last heard of.", value=remaining)
        if lag.last_proved_at is not None:
            proved = lag.last_proved_at.timestamp()
            yield _gauge("last_proof_timestamp_seconds", "When the newest change was made that arrived.", value=proved)
        for name, text, half, most in (
            ("arrival_seconds", "From a change to its row.", lag.applied_p50_seconds, lag.applied_p95_seconds),
            ("notice_seconds", "From a change to its notice.", lag.notified_p50_seconds, lag.notified_p95_seconds),
        ):
            if half is not None and most is not None:
                yield _gauge(name, f"{text} Over the last day.", "quantile", {"0.5": half, "0.95": most})
        if self._depth is not None:
            yield _gauge("spool_files", "Change files that wait.", value=self._depth.file_count)
            yield _gauge("spool_quarantined_files", "Change files set aside.", value=self._depth.quarantined_count)
            if self._depth.oldest_at is not None:
                oldest = self._depth.oldest_at.timestamp()
                yield _gauge("spool_oldest_timestamp_seconds", "Arrival of the oldest that waits.", value=oldest)


def _gauge(
    name: str, text: str, label: str | None = None, values: Mapping[str, float] | None = None, *, value: float = 0
) -> Metric:
    if label is None:
        return GaugeMetricFamily(_PREFIX + name, text, value=float(value))
    family = GaugeMetricFamily(_PREFIX + name, text, labels=[label])
    for word, one in (values or {}).items():
        family.add_metric([word], float(one))
    return family


def _replace(path: Path, content: bytes) -> None:
    """The collector must never see half of a file."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as fresh:
            fresh.write(content)
        os.chmod(fresh.name, 0o644)  # noqa: PTH101  a path of tempfile's is text
        Path(fresh.name).replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.", hint="Name a file in a directory that is ours to write."
        ) from error
