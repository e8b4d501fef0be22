"""Around every request: the announcing headers, the request id, injected faults, journal and time.

Belongs here: what holds for all routes alike. Not here: faults' own rules, see faults.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, parse_qsl, urlencode

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from media_pipeline.emulator import faults
from media_pipeline.emulator.calls import DELETE_LIMIT, REQUEST_ID, answer, refusal
from media_pipeline.emulator.clock import http_date
from media_pipeline.emulator.config import HEADER
from media_pipeline.emulator.emulator import Emulator
from media_pipeline.emulator.errors import ApiError, invalid_value, unauthorized
from media_pipeline.emulator.faults import INSTEAD, Kind, Rule
from media_pipeline.emulator.naming import random_hex
from media_pipeline.emulator.traffic import Entry

CONTROL_PREFIX = "/_emulator"
# Key of the scope under which the router notes the matched route.
ROUTE = "emulator_route"
# Pieces of a body that comes slowly.
_PIECES = 10


class Passage:
    """Every request passes here on its way to the routes."""

    def __init__(self, app: ASGIApp, emulator: Emulator, elsewhere: Callable[[], ASGIApp]) -> None:
        self._app = app
        self._emulator = emulator
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope[REQUEST_ID] = random_hex()
        status: list[int] = []

        async def announce(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
                headers = MutableHeaders(scope=message)
                headers[HEADER] = "1"
                headers["X-Request-Id"] = request_id
                headers["Date"] = http_date(self._emulator.clock.now())
            await send(message)

        if scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, announce)
            return
        query = scope["query_string"].decode("latin-1")
        cursor = parse_qs(query).get("next_cursor", [None])[0]
        if scope["path"].endswith("/search"):
            # The one kind of call that carries its cursor in the body.
            request = await _read(scope, receive)
            cursor, receive = _cursor_of(request.body) or cursor, request.receive()
        rule = self._emulator.faults.take(scope["method"], faults.api_path(scope["path"]), bool(cursor))
        route: list[str] = []
        scope[ROUTE] = route
        at, timed = self._emulator.clock.now(), _Timed(self._app)
        try:
            await self._suffer(rule, cursor, timed, scope, receive, announce)
        except ClientDisconnect:
            # The caller did not wait for the answer; nobody is left to tell.
            pass
        finally:
            entry = Entry(
                at=at,
                method=scope["method"],
                path=scope["path"],
                query=query,
                status=status[0] if status else None,
                request_id=request_id,
                seconds=timed.seconds,
                fault=None if rule is None else rule.kind.value,
            )
            self._emulator.traffic.record(entry, route[0] if route else "other")

    async def _suffer(
        self, rule: Rule | None, cursor: str | None, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if rule is None:
            await app(scope, receive, send)
            return
        match rule.kind:
            case Kind.WRONG_CLOUD:
                await self._elsewhere()(scope, receive, send)
            case Kind.PARTIAL_DELETE:
                scope[DELETE_LIMIT] = rule.keep
                await app(scope, receive, send)
            case Kind.RESET_BEFORE_EFFECT:
                await self._reset(scope)
            case kind if kind in INSTEAD:
                await self._instead(rule, cursor)(scope, receive, send)
            case _:
                await self._afterwards(rule, cursor, app, scope, receive, send)

    async def _afterwards(
        self, rule: Rule, cursor: str | None, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the library answer, and spoil the answer."""
        request = await _read(scope, receive)
        real = _Captured()
        await app(scope, request.receive(), real)
        body = bytes(real.body)
        match rule.kind:
            case Kind.RESET_AFTER_EFFECT:
                await self._reset(scope)
            case Kind.DELAY:
                # The answer is late, not the effect: a caller that gives up has changed something all the same.
                await asyncio.sleep(rule.seconds)
                await real.send_on(send, body)
            case Kind.SLOW_BODY:
                await real.trickle(send, body, rule.seconds)
            case Kind.SKIPPING_CURSOR:
                await real.send_on(send, await self._skipped(rule.keep, body, request))
            case _:
                await real.send_on(send, faults.spoiled(rule, body, cursor, self._emulator.clock.now()))

    async def _skipped(self, count: int, body: bytes, request: _Read) -> bytes:
        """A page whose cursor goes on some items too late: behind a page that the caller never sees."""
        document = _members(body)
        if "next_cursor" not in document:
            return body
        unseen = _Captured()
        following = request.following(msgspec.json.decode(document.pop("next_cursor"), type=str), count)
        await self._app(following.scope, following.receive(), unseen)
        self._emulator.quota.used -= 1
        skipped = _members(bytes(unseen.body))
        return msgspec.json.encode(document | {name: skipped[name] for name in ("next_cursor",) if name in skipped})

    def _instead(self, rule: Rule, cursor: str | None) -> Response:
        """The answer of a fault that never reaches the library."""
        match rule.kind:
            case Kind.STATUS if rule.body is not None:
                return Response(rule.body, rule.status, rule.headers, media_type="application/json")
            case Kind.STATUS:
                return refusal(ApiError(rule.status, rule.message or "General Error"), rule.headers)
            case Kind.ERROR_WITH_200:
                return answer({"error": {"message": rule.message or "General Error"}}, 200, rule.headers)
            case Kind.HTML:
                page = rule.body or "<html><body><h1>502 Bad Gateway</h1></body></html>"
                return HTMLResponse(page, rule.status, rule.headers)
            case Kind.EMPTY_PAGE:
                return answer({"resources": []}, 200, {**self._emulator.quota.headers(), **rule.headers})
            case Kind.EXPIRED_CURSOR:
                return refusal(invalid_value(cursor, "next_cursor"), self._emulator.quota.headers())
            case Kind.REVOKED_KEY:
                return refusal(unauthorized(rule.message or "unknown api_key"), rule.headers)
            case _:
                error = self._emulator.quota.exceeded()
                headers = self._emulator.quota.headers() | {"X-FeatureRateLimit-Remaining": "0"}
                error = ApiError(error.status, rule.message) if rule.message else error
                return refusal(error, {**(headers if rule.rate_headers else {}), **rule.headers})

    async def _reset(self, scope: Scope) -> None:
        self._emulator.reset_connection(tuple(scope["client"]))
        # The server notices the lost connection in its next turn, and then expects no answer.
        for _ in range(3):
            await asyncio.sleep(0)


def _cursor_of(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=_Cursor).next_cursor
    except msgspec.MsgspecError:
        return None


def _members(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return {}


class _Cursor(msgspec.Struct):
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A request whose body was read, so that it can be asked again."""

    scope: Scope
    body: bytes
    rest: Receive

    def receive(self) -> Receive:
        """A receive that gives the body, then goes on with the connection."""
        pending = [self.body]

        async def replay() -> Message:
            if pending:
                return {"type": "http.request", "body": pending.pop(), "more_body": False}
            return await self.rest()

        return replay

    def following(self, cursor: str, count: int) -> _Read:
        """The request of the next page, of another size."""
        paging: dict[str, object] = {"next_cursor": cursor, "max_results": count}
        scope, body = dict(self.scope), self.body
        scope[ROUTE] = []
        if body:
            body = msgspec.json.encode(_members(body) | paging)
        else:
            query = dict.fromkeys(paging, "")
            kept = [pair for pair in parse_qsl(scope["query_string"].decode("latin-1")) if pair[0] not in query]
            scope["query_string"] = urlencode([*kept, *paging.items()]).encode("latin-1")
        return _Read(scope, body, self.rest)


async def _read(scope: Scope, receive: Receive) -> _Read:
    return _Read(scope, await Request(scope, receive).body(), receive)


class _Timed:
    """Measures the application's own time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.seconds = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            self.seconds = time.perf_counter() - started


class _Captured:
    """Collects an answer instead of sending it."""

    def __init__(self) -> None:
        self.start: Message = {}
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    async def send_on(self, send: Send, body: bytes) -> None:
        headers = MutableHeaders(scope=self.start)
        headers["content-length"] = str(len(body))
        await send(self.start)
        await send({"type": "http.response.body", "body": body})

    async def trickle(self, send: Send, body: bytes, seconds: float) -> None:
        """Send the head at once and the body in pieces."""
        await send(self.start)
        step = max(1, -(-len(body) // _PIECES))
        for first in range(0, len(body), step):
            await asyncio.sleep(seconds / _PIECES)
            await send({"type": "http.response.body", "body": body[first : first + step], "more_body": True})
        await send({"type": "http.response.body", "body": b""})
