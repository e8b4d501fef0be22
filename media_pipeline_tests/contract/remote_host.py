"""A host that answers exactly what a test tells it, down to the bytes and the pauses.

Belongs here: what no honest server does: half answers, resets, silence, wrong lengths.
Not here: Cloudinary's behaviour; the emulator is for that.
"""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from media_pipeline.errors import MediaPipelineError
from media_pipeline.remote.calls import Budget, CallRecord, UnlimitedBudget
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import CloudCredentials, Settings
from media_pipeline.vocabulary import ResourceType, Slice

IMAGES = Slice(ResourceType.IMAGE, "upload")
ASSET_ID = "0123456789abcdef0123456789abcdef"
OTHER_ID = "fedcba9876543210fedcba9876543210"
REQUEST_ID = "aa55" * 8

Reply = bytes | Callable[[socket.socket], None]


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    def json(self) -> Any:
        return json.loads(self.body)


def answer(body: object = None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A complete answer; text and bytes are sent as they are, everything else as JSON."""
    if isinstance(body, str):
        body = body.encode()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "X-Request-Id": REQUEST_ID,
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value != "")
    return f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + content


def page(*resources: object, **members: object) -> bytes:
    """A good answer of a listing."""
    return answer({"resources": list(resources), **members})


def error(status: int, message: str, **headers: str) -> bytes:
    """An error as the API gives it; underscores in names of headers become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer({"error": {"message": message}}, status=status, headers=named)


def reset(connection: socket.socket) -> None:
    """Break the connection without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Host:
    """Serves the scripted replies in order, the last one for ever; keeps every request."""

    def __init__(self, *replies: Reply, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.closed_count = threading.Semaphore(0)
        self._connections: list[socket.socket] = []
        self._replies = list(replies)
        self._scheme = "http" if tls is None else "https"
        self._lock = threading.Lock()
        self.ended = threading.Event()
        host = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                connection = self.request
                try:
                    if tls is not None:
                        connection = tls.wrap_socket(connection, server_side=True)
                    host._serve(connection)
                except OSError:
                    pass  # The client went away, which some tests want.
                finally:
                    connection.close()
                    host.closed_count.release()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            request_queue_size = 64

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    @property
    def connection_count(self) -> int:
        return len(self._connections)

    @property
    def only_request(self) -> Request:
        assert len(self.requests) == 1
        return self.requests[0]

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.append(connection)
        with connection.makefile("rb") as stream:
            while (request := _read_request(stream)) is not None:
                reply = self._take(request)
                if callable(reply):
                    reply(connection)
                    return
                connection.sendall(reply)

    def _take(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()


class CountingBudget:
    """A budget that notes what it is asked and told."""

    def __init__(self, refusal: MediaPipelineError | None = None) -> None:
        self.acquired: list[tuple[str, str]] = []
        self.observed: list[dict[str, Any]] = []
        self._refusal = refusal

    def acquire(self, purpose: Any, call: str) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.acquired.append((call, str(purpose)))

    def observe(self, limit: Any, remaining: Any, reset_at: Any, **told: Any) -> None:
        self.observed.append({"limit": limit, "remaining": remaining, "reset_at": reset_at, **told})


def client_of(
    url: str,
    *,
    cloud_name: str = "not-a-real-cloud",
    budget: Budget | None = None,
    refuse_emulator: bool = True,
    on_call: Callable[[CallRecord], None] | None = None,
    **settings: Any,
) -> CloudinaryClient:
    """A client of *url* that hardly pauses between its tries."""
    return CloudinaryClient(
        CloudCredentials(
            cloud_name=cloud_name,
            api_key=f"key-of-{cloud_name}",
            api_secret="not-a-real-secret",
            upload_prefix=url,
        ),
        settings=Settings(**{"retries": 2, "retry_base_seconds": 0.001, **settings}),
        budget=budget or UnlimitedBudget(),
        refuse_emulator=refuse_emulator,
        on_call=on_call,
    )


def _read_request(stream: Any) -> Request | None:
    first = stream.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Request(first[0], first[1], headers, body)
