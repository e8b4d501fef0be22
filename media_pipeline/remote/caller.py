"""One request from the budget to the checked answer.

Belongs here: the order of asking the budget, sending, telling what it cost, refusing the emulator, judging.
Not here: which calls there are (``remote.client``), HTTP (``transport``), the meaning of answers (``answers``).

The SDK builds and signs a request and hands it to what it believes to be its connection pool. That is our
``Connector``: it passes the request to the caller at work on this thread and gives the SDK an empty object
instead of the answer. The SDK would parse a page only for us to throw the result away (3 ms for 400 KB), and
it judges answers by the presence of a member, not by their status.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import structlog

from media_pipeline.errors import WrongCloud
from media_pipeline.remote.answers import (
    EMULATOR_HEADER,
    allowance,
    answered_at,
    is_json_object,
    no_answer,
    require_original,
    require_success,
    unreadable_answer,
)
from media_pipeline.remote.calls import Budget, Call, CallRecord, RawPage, Sink
from media_pipeline.remote.retry import repeating
from media_pipeline.remote.transport import Answer, NoAnswer, Transport, UnreadableAnswer
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import CallPurpose

_log = structlog.get_logger(__name__)


class _Receipt:
    """What the SDK is told of every answer."""

    status = 200
    data = b"{}"
    headers: Mapping[str, str] = {}


_sender: ContextVar[Callable[..., _Receipt] | None] = ContextVar("_sender", default=None)


class Connector:
    """Stands where the SDK keeps its pool; requests that no caller of ours made go to that pool as before."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    def request(self, method: str, url: str, **parts: Any) -> Any:
        """Make the request as urllib3's ``PoolManager.request`` would."""
        return (_sender.get() or self._pool.request)(method=method, url=url, **parts)


class Caller:
    """Makes calls to one cloud and knows what their answers told of it.

    Attributes:
        is_emulator: whether the emulator answers; None before the first answer of an API.
        clock_skew_seconds: our clock less Cloudinary's at the last answer, exact to about a second.
    """

    def __init__(
        self,
        *,
        cloud_name: str,
        settings: Settings,
        budget: Budget,
        refuse_emulator: bool,
        on_call: Callable[[CallRecord], None] | None,
    ) -> None:
        self.is_emulator: bool | None = None
        self.clock_skew_seconds: float | None = None
        self._cloud_name = cloud_name
        self._settings = settings
        self._budget = budget
        self._refuse_emulator = refuse_emulator
        self._on_call = on_call
        self._transport = Transport(
            connect_seconds=settings.connect_timeout_seconds, read_seconds=settings.read_timeout_seconds
        )

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def read(
        self, call: Call, purpose: CallPurpose, invoke: Callable[[], object], *, has_cursor: bool = False
    ) -> RawPage:
        """Let *invoke* call the SDK until an answer is good or trying again cannot help."""
        tries = repeating(call.name, retries=self._settings.retries, base_seconds=self._settings.retry_base_seconds)
        answer = tries(self._once, call, purpose, invoke, has_cursor)
        return RawPage(answer.body, answer.status, answer.request_id, answer.received_at)

    def write(self, call: Call, invoke: Callable[[], object]) -> Answer:
        """Let *invoke* call the SDK, once."""
        return self._once(call, CallPurpose.PUSH, invoke, False)

    def fetch(self, call: Call, url: str, sink: Sink, *, size_bytes: int) -> None:
        """Let the body under *url* flow into *sink*; tried again like a read, each time from its beginning."""
        tries = repeating(call.name, retries=self._settings.retries, base_seconds=self._settings.retry_base_seconds)
        tries(self._fetch_once, call, url, sink, size_bytes)

    def _fetch_once(self, call: Call, url: str, sink: Sink, size_bytes: int) -> None:
        started = time.perf_counter()
        answer: Answer | None = None
        received = 0

        def take(piece: bytes) -> None:
            nonlocal received
            received += len(piece)
            sink.write(piece)

        sink.restart()
        try:
            answer = self._transport.fetch(url, take=take, size_bytes=size_bytes)
        except NoAnswer as failure:
            raise no_answer(call, failure) from failure
        except UnreadableAnswer as failure:
            raise unreadable_answer(call, failure) from failure
        finally:
            status = None if answer is None else answer.status
            self._tell(call, CallPurpose.OTHER, status, time.perf_counter() - started, answer, received)
        self._learn_from(answer)
        require_original(call, answer)

    def _once(self, call: Call, purpose: CallPurpose, invoke: Callable[[], object], has_cursor: bool) -> Answer:
        answers: list[Answer] = []

        def send(method: str, url: str, **parts: Any) -> _Receipt:
            answer = self._request(call, purpose, method, url, parts)
            self._learn_from(answer)
            require_success(call, answer, has_cursor=has_cursor)
            answers.append(answer)
            return _Receipt()

        token = _sender.set(send)
        try:
            invoke()
        finally:
            _sender.reset(token)
        return answers[-1]

    def _request(self, call: Call, purpose: CallPurpose, method: str, url: str, parts: Mapping[str, Any]) -> Answer:
        if call.is_counted:
            self._budget.acquire(purpose, call.name)
        started = time.perf_counter()
        answer: Answer | None = None
        status: int | None = None
        was_sent = True
        try:
            answer = self._transport.send(
                method, url, headers=parts["headers"], body=parts.get("body"), fields=parts.get("fields")
            )
            status = answer.status
        except NoAnswer as failure:
            was_sent = failure.was_sent
            raise no_answer(call, failure) from failure
        except UnreadableAnswer as failure:
            status = failure.status
            raise unreadable_answer(call, failure) from failure
        finally:
            if call.is_counted:
                known = allowance(answer)
                self._budget.observe(
                    known.limit,
                    known.remaining,
                    known.reset_at,
                    call=call.name,
                    purpose=purpose,
                    cost=int(was_sent),
                )
            self._tell(call, purpose, status, time.perf_counter() - started, answer)
        return answer

    def _tell(
        self,
        call: Call,
        purpose: CallPurpose,
        status: int | None,
        seconds: float,
        answer: Answer | None,
        streamed_bytes: int = 0,
    ) -> None:
        record = CallRecord(
            call=call.name,
            purpose=purpose,
            status=status,
            duration_seconds=seconds,
            request_id=None if answer is None else answer.request_id,
            bytes_received=streamed_bytes or (0 if answer is None else len(answer.body)),
        )
        _log.debug(
            "remote_call_made",
            room="remote",
            cloud_name=self._cloud_name,
            call=record.call,
            purpose=record.purpose.value,
            status=record.status,
            duration_seconds=round(record.duration_seconds, 4),
            request_id=record.request_id,
            bytes_received=record.bytes_received,
        )
        if self._on_call is not None:
            self._on_call(record)

    def _learn_from(self, answer: Answer) -> None:
        if (clock := answered_at(answer)) is not None:
            self.clock_skew_seconds = (answer.received_at - clock).total_seconds()
        if EMULATOR_HEADER in answer.headers:
            self.is_emulator = True
            if self._refuse_emulator:
                raise WrongCloud(
                    f"The emulator answers for the cloud {self._cloud_name!r}, and it is refused here.",
                    hint="Set CLOUDINARY_URL to a real cloud, without upload_prefix.",
                )
        elif self.is_emulator is None and is_json_object(answer):
            self.is_emulator = False
