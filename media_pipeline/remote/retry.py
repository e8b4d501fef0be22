"""When a read is tried again.

Belongs here: the one policy of repetition. Not here: waiting for a new allowance (the caller decides that),
writes (a person or ``push`` decides after a look).
"""

from __future__ import annotations

import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from media_pipeline.errors import RemoteMalformed, RemoteUnavailable

_LONGEST_PAUSE_SECONDS = 30.0

_log = structlog.get_logger(__name__)


def repeating(call: str, *, retries: int, base_seconds: float) -> Retrying:
    """Try again after no answer, a 5xx or an odd answer; the last error is raised unchanged.

    Pauses are random between 0 and a bound that starts at *base_seconds*, doubles and ends at 30 s, so that
    many readers do not come back at the same moment.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        _log.info(
            "remote_call_retried",
            room="remote",
            call=call,
            attempt=state.attempt_number,
            pause_seconds=round(state.upcoming_sleep, 3),
            error=str(error),
        )

    return Retrying(
        retry=retry_if_exception_type((RemoteUnavailable, RemoteMalformed)),
        stop=stop_after_attempt(retries + 1),
        wait=wait_random_exponential(multiplier=base_seconds, max=_LONGEST_PAUSE_SECONDS),
        before_sleep=tell,
        reraise=True,
    )
