"""What an answer of Cloudinary means: success, or which of our errors.

Belongs here: the translation of statuses, bodies and headers; the rule that a write without a clear answer
has an unknown outcome.
Not here: HTTP itself (``remote.transport``), reading an asset out of a page (``remote.payloads``).

What counts is the status and the shape of the body. A refusal is believed only with the error body of the
API, because an HTML page with the same status comes from something in between. Source of statuses and texts:
https://cloudinary.com/documentation/admin_api#error_handling
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from media_pipeline.errors import (
    CursorRejected,
    RateLimited,
    RemoteError,
    RemoteForbidden,
    RemoteMalformed,
    RemoteNotFound,
    RemoteOutcomeUnknown,
    RemoteRefused,
    RemoteRejectedKey,
    RemoteUnavailable,
)
from media_pipeline.remote.calls import Call
from media_pipeline.remote.transport import Answer, NoAnswer, UnreadableAnswer

EMULATOR_HEADER = "X-Media-Pipeline-Emulator"
_LIMITED = frozenset({420, 429})
_TRY_AGAIN_ON = re.compile(r"Try again on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_MESSAGE_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an answer says of the hourly Admin API calls; None where it says nothing."""

    limit: int | None
    remaining: int | None
    reset_at: datetime | None


def allowance(answer: Answer | None) -> Allowance:
    """Read the ``X-FeatureRateLimit-*`` headers; no answer says nothing."""
    if answer is None:
        return Allowance(None, None, None)
    return Allowance(
        limit=_whole_number(answer.headers.get("X-FeatureRateLimit-Limit")),
        remaining=_whole_number(answer.headers.get("X-FeatureRateLimit-Remaining")),
        reset_at=_http_date(answer.headers.get("X-FeatureRateLimit-Reset")),
    )


def answered_at(answer: Answer) -> datetime | None:
    """Cloudinary's clock, in whole seconds, from the ``Date`` header."""
    return _http_date(answer.headers.get("Date"))


def is_json_object(answer: Answer) -> bool:
    """Whether the body is a JSON object, so that it comes from an API and not from something in between."""
    return _members(answer.body) is not None


def require_success(call: Call, answer: Answer, *, has_cursor: bool = False) -> None:
    """Do nothing if *answer* is what the API promises for *call*, else raise what it is.

    A good answer has status 200, is a JSON object without the member ``error`` and carries the list that
    belongs to the call. The inside of that list is scanned for valid JSON, not built. *has_cursor* says that
    the call named a ``next_cursor``, so that a 400 or 404 may speak of it.

    Raises:
        RemoteError: the fitting subclass; for a write that was neither done nor clearly refused
            RemoteOutcomeUnknown.
    """
    members = _members(answer.body)
    if answer.status == 200:
        problem = _problem(call, members)
        if problem is None:
            return
        raise _not_as_promised(call, answer, problem)
    message = None if members is None else _error_message(members)
    raise _refusal(call, answer, message, has_cursor=has_cursor)


def require_original(call: Call, answer: Answer) -> None:
    """Do nothing if the bytes of an original came; else raise what it is, in the words of the delivery network.

    Its refusals are no JSON; what the matter is stands in the header ``X-Cld-Error``.

    Raises:
        RateLimited, RemoteUnavailable, RemoteNotFound, RemoteRefused: as the status says.
    """
    if answer.status == 200:
        return
    told = answer.headers.get("X-Cld-Error") or ""
    message = "".join(char if char.isprintable() else " " for char in told[:_MESSAGE_LENGTH])
    refusal = _refusal(call, answer, message or f"no original under this address ({answer.status})", has_cursor=False)
    if answer.status < 400:
        # A redirect is not followed: it may lead anywhere.
        refusal = RemoteRefused(f"Cloudinary answered {answer.status}", call=call.name, request_id=answer.request_id)
    raise refusal


def no_answer(call: Call, failure: NoAnswer) -> RemoteError:
    """The error for a request that got no complete answer."""
    if call.is_write and failure.was_sent:
        return RemoteOutcomeUnknown(f"The answer was lost ({failure.reason})", call=call.name)
    return RemoteUnavailable(f"Cloudinary did not answer ({failure.reason})", call=call.name)


def unreadable_answer(call: Call, failure: UnreadableAnswer) -> RemoteError:
    """The error for an answer whose body could not be taken in."""
    kind = RemoteOutcomeUnknown if call.is_write else RemoteMalformed
    return kind(f"{failure.reason} (status {failure.status})", call=call.name)


def odd_document(call: Call, answer: Answer, problem: str) -> RemoteError:
    """The error for a success whose document lacks what the caller needs."""
    return _not_as_promised(call, answer, problem)


def _members(body: bytes) -> dict[str, msgspec.Raw] | None:
    """The top-level members of a JSON object, unparsed; None for anything else.

    One pass over 400 KB costs 0.4 ms; building the objects would cost 2 ms, and the caller does that itself.
    """
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient_members(body)


def _lenient_members(body: bytes) -> dict[str, msgspec.Raw] | None:
    """The same of a body in which a text holds half a surrogate pair.

    One such name must not make the page around it unreadable; whoever takes the records apart sets that one aside.
    """
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(members, dict):
        return None
    return {name: msgspec.Raw(json.dumps(value).encode()) for name, value in members.items()}


def _problem(call: Call, members: dict[str, msgspec.Raw] | None) -> str | None:
    if members is None:
        return "is not a JSON object"
    if "error" in members:
        return f"carries an error in spite of its status: {_error_message(members)}"
    if call.list_key is not None and bytes(memoryview(members.get(call.list_key, b""))[:1]) != b"[":
        return f"has no list {call.list_key!r}"
    return None


def _not_as_promised(call: Call, answer: Answer, problem: str) -> RemoteError:
    kind = RemoteOutcomeUnknown if call.is_write else RemoteMalformed
    return kind(f"The answer (status {answer.status}) {problem}", call=call.name, request_id=answer.request_id)


def _refusal(call: Call, answer: Answer, message: str | None, *, has_cursor: bool) -> RemoteError:
    status, request_id = answer.status, answer.request_id
    said = f"Cloudinary answered {status}: {message or 'no reason given'}"
    if status in _LIMITED:
        return RateLimited(said, call=call.name, reset_at=_reset_at(answer, message or ""), request_id=request_id)
    if status >= 500 or status == 408:
        kind = RemoteOutcomeUnknown if call.is_write else RemoteUnavailable
        return kind(said, call=call.name, request_id=request_id)
    if status < 400 or message is None:
        return _not_as_promised(call, answer, "is neither a success nor an error of the API")
    if status == 401:
        return RemoteRejectedKey(said, call=call.name, request_id=request_id)
    if status == 403:
        return RemoteForbidden(said, call=call.name, permission=call.permission, request_id=request_id)
    if has_cursor and status in {400, 404} and "cursor" in message.lower():
        return CursorRejected(said, call=call.name, request_id=request_id)
    if status == 404:
        return RemoteNotFound(said, call=call.name, request_id=request_id)
    return RemoteRefused(said, call=call.name, request_id=request_id)


def _error_message(members: dict[str, msgspec.Raw]) -> str | None:
    """The text of ``{"error": {"message": …}}``, fit for a log line; None if there is no error member."""
    if "error" not in members:
        return None
    try:
        error = msgspec.json.decode(members["error"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = None
    text = error.get("message") if isinstance(error, dict) else error
    text = text if isinstance(text, str) and text.strip() else "no reason given"
    return "".join(char if char.isprintable() else " " for char in text[:_MESSAGE_LENGTH])


def _reset_at(answer: Answer, message: str) -> datetime:
    """When the allowance is given anew: the header, else the message, else ``Retry-After``, else the next hour.

    A moment that has passed by Cloudinary's own clock is no answer: waiting for it would end at once.
    """
    now = answered_at(answer) or answer.received_at
    named = [allowance(answer).reset_at]
    if match := _TRY_AGAIN_ON.search(message):
        named.append(_time(match[1]))
    if (pause := _whole_number(answer.headers.get("Retry-After"))) is not None:
        named.append(now + timedelta(seconds=min(pause, 3600)))
    for moment in named:
        if moment is not None and moment > now:
            return moment
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _http_date(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _whole_number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 12 else None
