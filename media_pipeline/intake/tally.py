"""What the receiver counts while it works, and how Prometheus reads it.

Belongs here: counts, their names, units and help texts, those of the spool included.
Not here: who may read them (``intake.scrape``), figures of the database (``reads.metrics``).

The counts are plain numbers of one event loop, without locks: every notification pays for them. What costs more, the
look at the spool, is done when somebody reads. Labels come from the closed lists below, never from what was sent.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from media_pipeline.errors import SpoolError
from media_pipeline.intake.spool import Spool, SpoolDepth

PREFIX: Final = "media_pipeline_"
"""Of every name."""

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NOTIFICATIONS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Refusal(StrEnum):
    """Why a request got an answer from 400 to 499."""

    PATH = "path"
    METHOD = "method"
    HOST = "host"
    HEAD = "head"
    ENCODING = "encoding"
    SIZE = "size"
    TIME = "time"
    EMPTY = "empty"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    FLOOD = "flood"


class Failure(StrEnum):
    """Why a notification got an answer from 500 on, and will be sent again."""

    NO_ROOM = "no_room"
    NO_SPOOL = "no_spool"
    UNEXPECTED = "unexpected"


class _Buckets:
    """A histogram; the last bucket has no bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self, name: str, text: str) -> Metric:
        so_far = 0
        buckets = []
        for bound, count in zip((*map(float, self._bounds), "+Inf"), self._counts, strict=True):
            so_far += count
            buckets.append((str(bound), so_far))
        return HistogramMetricFamily(name, text, buckets=buckets, sum_value=self._sum)


class Tally:
    """What one receiver did since it started."""

    def __init__(self) -> None:
        self._acknowledged = _Buckets(_SECONDS)
        self._acknowledged_bytes = 0
        self._committed = _Buckets(_NOTIFICATIONS)
        self._abandoned = 0
        self._refused = Counter(dict.fromkeys(Refusal, 0))
        self._failed = Counter(dict.fromkeys(Failure, 0))

    def acknowledge(self, seconds: float, size_bytes: int) -> None:
        """A notification is on disk, *seconds* after the end of its head."""
        self._acknowledged.observe(seconds)
        self._acknowledged_bytes += size_bytes

    def commit(self, notification_count: int) -> None:
        """A change file was written."""
        self._committed.observe(notification_count)

    def refuse(self, reason: Refusal) -> None:
        """A request was refused."""
        self._refused[reason] += 1

    def fail(self, reason: Failure) -> None:
        """A notification could not be kept."""
        self._failed[reason] += 1

    def abandon(self) -> None:
        """A sender went away."""
        self._abandoned += 1

    def families(self) -> Iterator[Metric]:
        """The counts as they are now."""
        prefix = f"{PREFIX}receiver_"
        yield self._acknowledged.family(
            f"{prefix}acknowledgement_seconds",
            "From the end of a head to the answer 200; the count is that of notifications that were kept.",
        )
        yield CounterMetricFamily(
            f"{prefix}acknowledged_bytes_total", "Bodies that were kept.", value=self._acknowledged_bytes
        )
        refused = CounterMetricFamily(f"{prefix}refused_total", "Requests answered with 4xx.", labels=["reason"])
        for refusal, count in self._refused.items():
            refused.add_metric([refusal], count)
        yield refused
        failed = CounterMetricFamily(
            f"{prefix}failed_total", "Notifications answered with 5xx, to be sent again.", labels=["reason"]
        )
        for failure, count in self._failed.items():
            failed.add_metric([failure], count)
        yield failed
        yield CounterMetricFamily(
            f"{prefix}abandoned_total", "Senders that went away before the end of their body.", value=self._abandoned
        )
        yield self._committed.family(
            f"{prefix}commit_notifications", "Notifications in a change file; the count is that of files written."
        )


def gauge(name: str, text: str, value: float | None) -> Metric:
    """A figure that goes up and down, *name* without our prefix; without a sample where it is not known."""
    return GaugeMetricFamily(PREFIX + name, text, value=None if value is None else float(value))


def spool_families(depth: SpoolDepth | None) -> Iterator[Metric]:
    """What waits in the spool; None where there is none, or it cannot be read."""
    files = size_bytes = quarantined = oldest = None
    if depth is not None:
        files, size_bytes, quarantined = depth.file_count, depth.size_bytes, depth.quarantined_count
        oldest = None if depth.oldest_at is None else depth.oldest_at.timestamp()
    yield gauge("spool_files", "Change files that wait or are claimed.", files)
    yield gauge("spool_bytes", "Size of these files.", size_bytes)
    yield gauge("spool_quarantined_files", "Change files set aside.", quarantined)
    yield gauge(
        "spool_oldest_timestamp_seconds",
        "Arrival of the oldest change file that waits; absent where none does.",
        oldest,
    )


class ReceiverFigures(Collector):
    """The counts of a receiver, and its spool at the moment of the look."""

    def __init__(self, tally: Tally, spool: Spool) -> None:
        self._tally = tally
        self._spool = spool

    def collect(self) -> Iterator[Metric]:
        """Every figure; those of a spool that cannot be read are left out."""
        yield from self._tally.families()
        is_ready, depth, free_bytes = 0, None, None
        with suppress(SpoolError):
            depth, free_bytes = self._spool.depth(), self._spool.free_bytes()
            self._spool.require_room()
            is_ready = 1
        yield gauge("receiver_ready", "Whether a notification could be kept now, as /readyz says.", is_ready)
        yield from spool_families(depth)
        text = "Room on the disk of the spool above the reserve; below zero nothing is taken."
        yield gauge("spool_free_bytes", text, free_bytes)
        yield gauge("spool_limit_files", "Change files at which no more are taken.", self._spool.file_limit)
