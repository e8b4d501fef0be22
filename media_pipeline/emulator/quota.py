"""The hourly quota of Admin API calls and the headers that tell of it.

Belongs here: counting, the hour, the refusal. Not here: which calls count, see calls.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from media_pipeline.emulator.clock import Clock, http_date
from media_pipeline.emulator.config import Settings
from media_pipeline.emulator.errors import ApiError

_HOUR_SECONDS = 3600


class Quota:
    """Calls of the current clock hour; a restart of the emulator forgets them."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._hour = 0
        self._used = 0

    @property
    def used(self) -> int:
        """Calls counted in this clock hour."""
        with self._lock:
            self._roll()
            return self._used

    @used.setter
    def used(self, value: int) -> None:
        with self._lock:
            self._roll()
            self._used = value

    def spend(self, calls: int) -> None:
        """Count calls.

        Raises:
            ApiError: 420 with the time of the next reset when the hour's quota is spent.
        """
        with self._lock:
            self._roll()
            if self._used + calls > self._settings.quota_per_hour:
                raise self.exceeded()
            self._used += calls

    def exceeded(self) -> ApiError:
        """The refusal of a call beyond the quota."""
        again = datetime.fromtimestamp(self._reset_at(), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        limit = self._settings.quota_per_hour
        return ApiError(420, f"Rate Limit Exceeded. Limit of {limit} api operations reached. Try again on {again}")

    def headers(self) -> dict[str, str]:
        """The rate headers as they stand now."""
        limit = self._settings.quota_per_hour
        return {
            "X-FeatureRateLimit-Limit": str(limit),
            "X-FeatureRateLimit-Remaining": str(max(0, limit - self.used)),
            "X-FeatureRateLimit-Reset": http_date(self._reset_at()),
        }

    def _reset_at(self) -> int:
        return (int(self._clock.now()) // _HOUR_SECONDS + 1) * _HOUR_SECONDS

    def _roll(self) -> None:
        hour = int(self._clock.now()) // _HOUR_SECONDS
        if hour != self._hour:
            self._hour, self._used = hour, 0
