"""The process that listens for webhooks.

Belongs here: the server and its limits below a request, starting and stopping it.
Not here: requests (``intake.receiver``).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import uvicorn
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from media_pipeline.errors import ConfigurationError
from media_pipeline.intake.configured import spool_of, verifier_of
from media_pipeline.intake.receiver import Webhook, application
from media_pipeline.intake.scrape import Scrape
from media_pipeline.intake.tally import Tally
from media_pipeline.settings import Settings

_HEAD_BYTES: Final = 65_536
_HEAD_SECONDS: Final = 10.0
_REQUEST_BYTES: Final = 64 * 1024 * 1024
"""Pieces of a body have frames, and headers may come behind it; the receiver limits the body itself."""
_CONNECTIONS: Final = 1000
_BACKLOG: Final = 1024
_STOP_SECONDS: Final = 15


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP with limits that it lacks: how large a head and a whole request may be, and how slow a head."""

    _is_in_head = True
    _received_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        super().data_received(data)
        if self._received_bytes > (_HEAD_BYTES if self._is_in_head else _REQUEST_BYTES):
            self.send_400_response("The request is too large.")
        elif self._is_in_head and self._received_bytes and self._head_timer is None:
            self._watch_head()

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._unwatch_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_head = True
        self._received_bytes = 0
        super().on_message_complete()

    def _watch_head(self) -> None:
        self._head_timer = self.loop.call_later(_HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    """Stops on SIGINT and SIGTERM, and lets the caller finish instead of dying of the signal."""

    announce: Callable[[], object]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former = {sign: signal.signal(sign, self.handle_exit) for sign in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sign, handler in former.items():
                signal.signal(sign, handler)


class Receiver:
    """One receiver: its port is bound when it is made, it serves in ``run``.

    Args:
        settings: their secrets, limits and spool.
        more_routes: served beside the webhook; a bench compares with one that does nothing.

    Raises:
        ConfigurationError: a secret is weak or missing, or the address cannot be listened on.
        SpoolUnavailable: the spool cannot be made.
    """

    def __init__(self, settings: Settings, *, more_routes: Sequence[Route] = ()) -> None:
        verifier = verifier_of(settings)
        spool = spool_of(settings)
        spool.prepare()
        self._socket = _bound(settings.receiver_host, settings.receiver_port)
        tally = Tally()
        webhook = Webhook(
            spool,
            verifier,
            body_limit_bytes=settings.receiver_body_limit_bytes,
            body_seconds=settings.receiver_body_seconds,
            allowed_hosts=settings.receiver_allowed_hosts,
            tally=tally,
        )
        scrape = Scrape(tally, spool, settings.metrics_token)
        self._server = _Server(
            uvicorn.Config(
                application(webhook, spool, tally, [scrape.route(), *more_routes]),
                http=_Protocol,
                ws="none",
                # The sender is who is connected: a header may name anybody.
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_config=None,
                # Every scanner would write a line.
                log_level="critical",
                limit_concurrency=_CONNECTIONS,
                backlog=_BACKLOG,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._socket.getsockname()[1]
        return port

    def run(self, announce: Callable[[], object] = lambda: None) -> None:
        """Serve until SIGINT, SIGTERM or ``stop``; what was taken in by then is written and answered.

        Args:
            announce: called once connections are accepted.
        """
        self._server.announce = announce
        self._server.run([self._socket])

    def stop(self) -> None:
        """Let ``run`` end; callable from any thread."""
        self._server.should_exit = True


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"The receiver cannot listen on port {port} of {host}: {error.strerror}.",
            hint="Set MEDIA_PIPELINE_RECEIVER_HOST and MEDIA_PIPELINE_RECEIVER_PORT, or use --host and --port.",
        ) from error
    return bound
