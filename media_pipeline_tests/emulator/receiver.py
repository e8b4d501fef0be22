"""A receiver of webhooks that keeps what it gets and answers as it is told.

Belongs here: the HTTP server. Not here: what notifications say, see test_notices.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


class Receiver:
    """Requests by path; `statuses` are answered one after the other, then 200."""

    def __init__(self, base_url: str) -> None:
        self.url = f"{base_url}/hook"
        self.received: list[Received] = []
        self.statuses: list[int] = []

    def documents(self, *event_types: str) -> list[dict[str, Any]]:
        documents = [received.document for received in self.received]
        return [d for d in documents if not event_types or d["notification_type"] in event_types]

    def clear(self) -> None:
        self.received.clear()
        self.statuses.clear()


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()
