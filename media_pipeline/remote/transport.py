"""One HTTP request to Cloudinary under hard limits, and its answer byte for byte.

Belongs here: connections, the limits of time and size, what went wrong below HTTP.
Not here: what a status or a body means (``remote.answers``), repeating anything (``remote.retry``).

The official SDK's own pool has no time limit, follows redirects to other hosts, repeats requests that
broke and reads a body of any size. Nothing of that is wanted here.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import DecodeError, HTTPError

_PIECE_BYTES = 1024 * 1024
_BYTES_PER_SECOND = 100_000
"""Slowest line on which a transfer may hope to end; lengthens the total time of a large one."""
_REQUEST_ID_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        headers: looked up without regard to case.
        body: decoded from its transfer and content encoding, else untouched.
        received_at: when its last byte was here.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime

    @property
    def request_id(self) -> str | None:
        """Cloudinary's number of the request, for its support."""
        text = self.headers.get("X-Request-Id", "")[:_REQUEST_ID_LENGTH]
        return text if text.isprintable() and text else None


class NoAnswer(Exception):
    """No complete answer came: no connection, a reset, a time limit.

    Not an ``OSError`` and not an ``HTTPError``: the SDK would replace those by its own.
    """

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.was_sent = was_sent


class UnreadableAnswer(Exception):
    """An answer came whose body is too large or not encoded as it says."""

    def __init__(self, reason: str, *, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class _Watch:
    """The time that one request may still take, and whether any of it left this machine."""

    __slots__ = ("_ends", "_pause_seconds", "was_sent")

    def __init__(self, total_seconds: float, pause_seconds: float) -> None:
        self._ends = time.monotonic() + total_seconds
        self._pause_seconds = pause_seconds
        self.was_sent = False

    def next_timeout(self) -> float:
        """Seconds that the next operation on the socket may take."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole answer took too long")
        return min(left, self._pause_seconds)


_watch: ContextVar[_Watch] = ContextVar("_watch")


class _TimedReader(io.RawIOBase):
    """Reads a socket so that many small pieces cannot stretch the total time."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, watch: _Watch) -> None:
        self._sock = sock
        self._raw = raw
        self._watch = watch

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._watch.next_timeout())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        super().__init__(sock, debuglevel, method, url)
        self.fp = io.BufferedReader(_TimedReader(sock, self.fp.detach(), _watch.get()))


class _Timed:
    """What both kinds of connection share: every send and every read has a time limit."""

    response_class: type[http.client.HTTPResponse] = _TimedResponse
    sock: Any

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        watch = _watch.get()
        # urllib3 would leave the connect timeout in force while a body is sent: 5 s for a whole film.
        self.sock.settimeout(watch.next_timeout())
        watch.was_sent = True
        super().send(data)  # type: ignore[misc]


class _TimedHTTPConnection(_Timed, HTTPConnection):
    pass


class _TimedHTTPSConnection(_Timed, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _TimedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TimedHTTPSConnection


class Transport:
    """Connections to one host; safe to use from many threads.

    Args:
        connect_seconds: limit for a connection, the TLS handshake included.
        read_seconds: longest pause between two pieces of an answer or of a request's body.
        total_seconds: limit for request and answer together; a large body lengthens it.
        body_limit_bytes: largest body that is read.
        connections: idle connections that are kept; more are opened when more threads ask.
    """

    def __init__(
        self,
        *,
        connect_seconds: float,
        read_seconds: float,
        total_seconds: float = 60.0,
        body_limit_bytes: int = 32 * 1024 * 1024,
        connections: int = 32,
    ) -> None:
        self._timeout = urllib3.Timeout(connect=connect_seconds, read=read_seconds)
        self._read_seconds = read_seconds
        self._total_seconds = total_seconds
        self._body_limit_bytes = body_limit_bytes
        self._pool = urllib3.PoolManager(
            num_pools=2, maxsize=connections, cert_reqs="CERT_REQUIRED", ca_certs=certifi.where()
        )
        self._pool.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def close(self) -> None:
        """Close the idle connections; a later request opens new ones."""
        for key in list(self._pool.pools.keys()):
            # Cleared only, a pool would close its connections when the garbage collector comes by.
            self._pool.pools[key].close()
        self._pool.clear()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        fields: Sequence[tuple[str, Any]] | None = None,
    ) -> Answer:
        """Make one request, once; *fields* are sent as ``multipart/form-data`` instead of *body*.

        Raises:
            NoAnswer: no complete answer came in time.
            UnreadableAnswer: the body is too large or wrongly encoded.
        """
        headers = dict(headers)
        if fields is not None:
            body, headers["Content-Type"] = urllib3.encode_multipart_formdata(fields)
        if body is not None:
            # With its length given, urllib3 sends a stream piece by piece, and each piece has a time limit.
            headers["Content-Length"] = str(len(body))
        return self._exchange(method, url, headers, body, len(body or b""), self._read)

    def fetch(self, url: str, *, take: Callable[[bytes], None], size_bytes: int) -> Answer:
        """Make one GET request, once, and hand its body to *take* piece by piece.

        Args:
            take: gets the body where the status is 200; must not raise ``OSError``.
            size_bytes: largest body that is taken; lengthens the total time.

        Returns:
            The answer without its body, or with the body of an error.

        Raises:
            NoAnswer: no complete answer came in time.
            UnreadableAnswer: the body is larger.
        """

        def read(response: urllib3.BaseHTTPResponse) -> bytes:
            if response.status != 200:
                return self._read(response)
            self._pour(response, take, size_bytes)
            return b""

        return self._exchange("GET", url, {"Accept-Encoding": "identity"}, None, size_bytes, read)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        large_bytes: int,
        read: Callable[[urllib3.BaseHTTPResponse], bytes],
    ) -> Answer:
        watch = _Watch(self._total_seconds + large_bytes / _BYTES_PER_SECOND, self._read_seconds)
        token = _watch.set(watch)
        try:
            response = self._pool.urlopen(
                method,
                url,
                headers=headers,
                body=None if body is None else io.BytesIO(body),
                timeout=self._timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            return Answer(response.status, response.headers, read(response), datetime.now(UTC))
        except (HTTPError, OSError) as error:
            raise NoAnswer(_describe(error), was_sent=watch.was_sent) from error
        finally:
            _watch.reset(token)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        pieces: list[bytes] = []
        self._pour(response, pieces.append, self._body_limit_bytes)
        return b"".join(pieces)

    @staticmethod
    def _pour(response: urllib3.BaseHTTPResponse, take: Callable[[bytes], None], limit_bytes: int) -> None:
        size = 0
        # Asked to decode what is not encoded, urllib3 copies a page through a buffer of its own.
        is_encoded = "Content-Encoding" in response.headers
        try:
            while piece := response.read(_PIECE_BYTES, decode_content=is_encoded):
                size += len(piece)
                if size > limit_bytes:
                    raise UnreadableAnswer(f"The answer is larger than {limit_bytes} bytes", status=response.status)
                take(piece)
        except DecodeError as error:
            raise UnreadableAnswer("The answer is not encoded as its headers say", status=response.status) from error
        finally:
            # A half-read connection is closed; a finished one has gone back to the pool already.
            response.close()
            response.release_conn()


def _describe(error: Exception) -> str:
    """The innermost cause in a few words; urllib3's own texts name objects and pools."""
    innermost: BaseException = error
    while (cause := innermost.__cause__ or innermost.__context__) is not None:
        innermost = cause
    text = str(innermost) or type(innermost).__name__
    return f"{type(error).__name__}: {text}"
