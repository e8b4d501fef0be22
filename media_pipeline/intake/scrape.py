"""``GET /metrics`` of the receiver: who may read the figures, and how often they are taken.

Belongs here: access, one look for all who ask at the same time.
Not here: the figures (``intake.tally``), requests of senders (``intake.receiver``).

With a token only who has it may read. Without one only a program on this machine that speaks to the receiver itself:
behind a proxy on the same machine every sender has an address of this machine, so a request that was passed on, or was
meant for another host, is answered as if there were nothing here.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Final

from prometheus_client import ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media_pipeline.intake.flood import Refusals
from media_pipeline.intake.spool import Spool
from media_pipeline.intake.tally import ReceiverFigures, Tally

PATH: Final = "/metrics"

_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_FRESH_SECONDS: Final = 1.0
"""Whoever asks again sooner gets the same look: it costs a walk through the spool."""
_REFUSALS: Final = 10.0
_REFUSALS_PER_SECOND: Final = 0.1
_FORWARDED: Final = ("x-forwarded", "forwarded", "via", "x-real-ip")
"""Beginnings of the headers with which proxies say that they pass something on."""


class Scrape:
    """The route, with a registry of its own."""

    def __init__(self, tally: Tally, spool: Spool, token: SecretStr | None) -> None:
        self._token = None if token is None else token.get_secret_value().encode()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(ReceiverFigures(tally, spool))
        ProcessCollector(registry=self._registry)
        self._refusals = Refusals(burst=_REFUSALS, per_second=_REFUSALS_PER_SECOND)
        self._lock = asyncio.Lock()
        self._taken_at = -_FRESH_SECONDS
        self._text = b""

    def route(self) -> Route:
        """To be served beside the webhook."""
        return Route(PATH, self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        self._require_access(request)
        async with self._lock:
            if time.monotonic() - self._taken_at >= _FRESH_SECONDS:
                self._text = await asyncio.to_thread(generate_latest, self._registry)
                self._taken_at = time.monotonic()
            return Response(self._text, headers={"Content-Type": _CONTENT_TYPE})

    def _require_access(self, request: Request) -> None:
        address = request.client.host if request.client else ""
        if self._token is None:
            if not _is_from_here(address, request):
                raise HTTPException(HTTPStatus.NOT_FOUND)
            return
        if hmac.compare_digest(_bearer(request), self._token):
            # Before the flood is looked at: others behind the same proxy must not keep Prometheus out.
            return
        now = time.monotonic()
        if not self._refusals.has_any_left(address, now):
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS)
        self._refusals.count(address, now)
        raise HTTPException(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})


def _bearer(request: Request) -> bytes:
    """The token that came, empty where none did, or several."""
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    return token.encode("latin-1") if scheme.lower() == "bearer" else b""


def _is_from_here(address: str, request: Request) -> bool:
    if not _is_loopback(address) or any(name.startswith(_FORWARDED) for name in request.headers):
        return False
    # A page in a browser on this machine may have a name of its own lead here.
    host = request.headers.get("host", "").lower()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name == "localhost" or _is_loopback(name.removeprefix("[").removesuffix("]"))


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback
