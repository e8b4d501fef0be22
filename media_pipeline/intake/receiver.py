"""The receiver of webhooks: ``POST /api/cloudinary/webhook`` answers 200 once the notification is on disk.

Belongs here: what a request must be, the order in which it is judged, the answers. HTTP statuses belong here, too.
Not here: the proof itself (``intake.signature``), the disk (``intake.commit``), the server (``intake.server``).

What costs nothing is judged first, so that a sender who proves nothing is read as little of as possible:

    form of the head -> form and age of signature -> how often refused -> size -> body, in time -> proof -> disk -> 200

Exactly 200: anything else Cloudinary takes for a failure and sends again after 3, 6 and 9 minutes, then never. What is
proved but odd is kept all the same: a mistake in reading it can be mended, a notification that was refused is gone.
Source: https://cloudinary.com/documentation/notifications
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from media_pipeline.errors import SignatureRejected, SpoolError, SpoolFull
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.commit import GroupCommit
from media_pipeline.intake.flood import Refusals
from media_pipeline.intake.signature import Verifier
from media_pipeline.intake.spool import Spool
from media_pipeline.intake.tally import Failure, Refusal, Tally
from media_pipeline.vocabulary import Channel

PATH: Final = "/api/cloudinary/webhook"

_SIGNATURE: Final = b"x-cld-signature"
_TIMESTAMP: Final = b"x-cld-timestamp"
_SIGNATURE_V2: Final = b"x-cld-signature_v2"
_SINGLE: Final = frozenset({_SIGNATURE, _TIMESTAMP, b"content-length", b"host"})
_KEPT_HEADERS: Final = frozenset({_SIGNATURE, _TIMESTAMP, b"content-type", b"user-agent", b"x-request-id"})
_HEADER_LENGTH: Final = 500
_HEADER_COUNT: Final = 100
_HEAD_BYTES: Final = 32_768
_UNREAD_BYTES: Final = 64 * 1024 * 1024
"""Of bodies that are under way at the same time; more would have to wait in memory."""
_RETRY_SECONDS: Final = "180"
"""Cloudinary tries again after as many seconds anyway."""
_KEPT: Final = Response(b"kept", media_type="text/plain")
_NOWHERE: Final = {HTTPStatus.NOT_FOUND: Refusal.PATH, HTTPStatus.METHOD_NOT_ALLOWED: Refusal.METHOD}
_REFUSALS: Final = 100.0
_REFUSALS_PER_SECOND: Final = 10.0

log = structlog.get_logger(__name__)


class _Refused(Exception):
    """The request gets this answer and leaves no trace."""

    def __init__(self, status: HTTPStatus, reason: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail


class _Gone(Exception):
    """The sender went away."""


class Webhook:
    """The endpoint, as an ASGI application.

    Args:
        body_limit_bytes: largest body; counted as it arrives, whatever the head says of it.
        body_seconds: time from the end of the head to the end of the body.
        allowed_hosts: names that the header ``Host`` may have; empty for any.
        tally: counts what becomes of the requests.
    """

    def __init__(
        self,
        spool: Spool,
        verifier: Verifier,
        *,
        body_limit_bytes: int,
        body_seconds: float,
        allowed_hosts: Sequence[str],
        tally: Tally,
    ) -> None:
        self._tally = tally
        self._verifier = verifier
        self._body_limit_bytes = body_limit_bytes
        self._body_seconds = body_seconds
        self._allowed_hosts = frozenset(name.lower().encode() for name in allowed_hosts)
        # Apart, so that scanners behind the same proxy as Cloudinary cannot use up its share.
        self._without_form = Refusals(burst=_REFUSALS, per_second=_REFUSALS_PER_SECOND)
        self._without_proof = Refusals(burst=_REFUSALS, per_second=_REFUSALS_PER_SECOND)
        self._unread_bytes = 0
        self._commit = GroupCommit(spool, tally)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request in."""
        started = time.perf_counter()
        try:
            size_bytes = await self._take(scope, receive)
        except _Gone:
            self._tally.abandon()
            return
        except Exception as error:
            answer = self._unkept(scope, error)
        else:
            self._tally.acknowledge(time.perf_counter() - started, size_bytes)
            answer = _KEPT
        await answer(scope, receive, send)

    def _unkept(self, scope: Scope, error: Exception) -> Response:
        """The answer where nothing was kept, and a line in the log with the number that the sender is told."""
        request_id = secrets.token_hex(16)
        told = log.bind(room="intake", request_id=request_id)
        if isinstance(error, _Refused):
            self._tally.refuse(error.reason)
            # A flood writes no lines.
            if isinstance(error.__cause__, SignatureRejected) and error.reason is not Refusal.FLOOD:
                told.warning("notification_refused", address=_address(scope), reason=error.__cause__.reason)
            return _problem(error.status, error.detail, request_id)
        if isinstance(error, SpoolError):
            # A person must act: nothing is taken in meanwhile.
            is_full = isinstance(error, SpoolFull)
            self._tally.fail(Failure.NO_ROOM if is_full else Failure.NO_SPOOL)
            told.error("notification_not_kept", reason=error.reason)
            detail = "No room to keep it." if is_full else "It cannot be kept at the moment."
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, request_id)
        self._tally.fail(Failure.UNEXPECTED)
        told.error("receiver_failed", error=repr(error))
        return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "It was not kept; send it again.", request_id)

    async def _take(self, scope: Scope, receive: Receive) -> int:
        """Keep what arrives; returns the size of its body in bytes."""
        arrived = datetime.now(UTC)
        head = _head(scope)
        self._require_head(head)
        address = _address(scope)
        timestamp, signature = self._require_signature(head, address, arrived)
        body = await self._read(receive)
        key = self._require_proof(body, timestamp, signature, address, arrived)
        if not body:
            raise _Refused(HTTPStatus.BAD_REQUEST, Refusal.EMPTY, "The body is empty.")
        kept = {
            name.decode(): value[:_HEADER_LENGTH].decode("latin-1")
            for name, value in head.items()
            if name in _KEPT_HEADERS
        }
        await self._commit.keep(Notification(body, arrived, Channel.WEBHOOK, {**kept, "key": key}))
        return len(body)

    def _require_head(self, head: dict[bytes, bytes]) -> None:
        host = head.get(b"host", b"").lower().rpartition(b":")
        name = host[0] if host[2].isdigit() else b"".join(host)
        if self._allowed_hosts and name not in self._allowed_hosts:
            raise _Refused(HTTPStatus.BAD_REQUEST, Refusal.HOST, "The header Host names another server.")
        if head.get(b"content-encoding", b"identity") != b"identity":
            raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, Refusal.ENCODING, "Encoded bodies are not taken.")
        if b"content-length" in head and b"transfer-encoding" in head:
            raise _Refused(HTTPStatus.BAD_REQUEST, Refusal.HEAD, "The length is given twice.")
        if int(head.get(b"content-length", b"0")) > self._body_limit_bytes:
            raise self._too_large()

    def _require_signature(self, head: dict[bytes, bytes], address: str, arrived: datetime) -> tuple[bytes, bytes]:
        try:
            if _SIGNATURE not in head and _SIGNATURE_V2 in head:
                raise SignatureRejected(
                    "X-Cld-Signature_v2 alone came, and the Ed25519 scheme cannot be checked here: let the trigger "
                    "send both signatures (auth_scheme 'default')"
                )
            for name in (_SIGNATURE, _TIMESTAMP):
                if name not in head:
                    raise SignatureRejected(f"the header {name.decode()} is missing")
            self._verifier.require_form(head[_TIMESTAMP], head[_SIGNATURE], now=arrived)
        except SignatureRejected as error:
            raise _refusal(self._without_form, address, Refusal.UNSIGNED, error) from error
        if not self._without_proof.has_any_left(address, time.monotonic()):
            raise _too_many()
        return head[_TIMESTAMP], head[_SIGNATURE]

    def _require_proof(self, body: bytes, timestamp: bytes, signature: bytes, address: str, arrived: datetime) -> str:
        try:
            return self._verifier.verify(body, timestamp, signature, now=arrived)
        except SignatureRejected as error:
            raise _refusal(self._without_proof, address, Refusal.FORGED, error) from error

    async def _read(self, receive: Receive) -> bytes:
        """The body, whole and in time."""
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Gone
                    pieces.append(message.get("body", b""))
                    size += len(pieces[-1])
                    self._unread_bytes += len(pieces[-1])
                    if size > self._body_limit_bytes:
                        raise self._too_large()
                    if self._unread_bytes > _UNREAD_BYTES:
                        raise SpoolFull("too many notifications arrive at the same time")
                    if not message.get("more_body", False):
                        return b"".join(pieces)
        except TimeoutError:
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT, Refusal.TIME, "The body took too long.") from None
        finally:
            self._unread_bytes -= size

    def _too_large(self) -> _Refused:
        detail = f"Bodies of more than {self._body_limit_bytes} bytes are not taken."
        return _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Refusal.SIZE, detail)


def application(webhook: Webhook, spool: Spool, tally: Tally, more_routes: Sequence[Route] = ()) -> ASGIApp:
    """The routes of the receiver: the webhook, ``/healthz`` (it runs), ``/readyz`` (it could keep one), and more."""

    async def is_running(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def is_ready(_: Request) -> Response:
        try:
            await asyncio.to_thread(spool.require_room)
        except SpoolError as error:
            return JSONResponse({"status": "not ready", "reason": error.reason}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ready"})

    async def http_problem(_: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        status = HTTPStatus(error.status_code)
        if status in _NOWHERE:
            tally.refuse(_NOWHERE[status])
        answer = _problem(status, status.description, secrets.token_hex(16))
        answer.headers.update(error.headers or {})
        return answer

    app = Starlette(
        routes=[
            Route(PATH, webhook, methods=["POST"]),
            Route("/healthz", is_running),
            Route("/readyz", is_ready),
            *more_routes,
        ],
        exception_handlers={HTTPException: http_problem},
    )
    # A redirected POST would come back without its body.
    app.router.redirect_slashes = False

    async def directly(scope: Scope, receive: Receive, send: Send) -> None:
        # Nothing of middleware and routing is needed here, and every notification would pay for it.
        is_webhook = scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST"
        await (webhook if is_webhook else app)(scope, receive, send)

    return directly


def _head(scope: Scope) -> dict[bytes, bytes]:
    """The headers by lower-case name; of one that came several times, where that matters little, the last."""
    found: dict[bytes, bytes] = {}
    size = 0
    for name, value in scope["headers"]:
        if name in _SINGLE and name in found:
            raise _Refused(HTTPStatus.BAD_REQUEST, Refusal.HEAD, f"The header {name.decode()} came twice.")
        found[name] = value
        size += len(name) + len(value)
    if len(scope["headers"]) > _HEADER_COUNT or size > _HEAD_BYTES:
        detail = "There are too many headers, or too large ones."
        raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, Refusal.HEAD, detail)
    return found


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _refusal(refusals: Refusals, address: str, reason: Refusal, error: SignatureRejected) -> _Refused:
    """401, or 429 for an address that was refused too often."""
    now = time.monotonic()
    if not refusals.has_any_left(address, now):
        return _too_many()
    refusals.count(address, now)
    return _Refused(HTTPStatus.UNAUTHORIZED, reason, str(error))


def _too_many() -> _Refused:
    detail = "Too many requests that proved nothing came from this address."
    return _Refused(HTTPStatus.TOO_MANY_REQUESTS, Refusal.FLOOD, detail)


def _problem(status: HTTPStatus, detail: str, request_id: str) -> Response:
    """A problem in the form of RFC 9457; it never repeats what was sent, and ends the connection."""
    headers = {"Connection": "close"}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        headers["Retry-After"] = _RETRY_SECONDS
    content = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "request_id": request_id,
    }
    return Response(json.dumps(content), status.value, headers, "application/problem+json")
