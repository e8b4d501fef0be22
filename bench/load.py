"""Requests over many kept connections at once, as fast as the answers come.

Belongs here: sockets, latencies. Not here: what is sent and what the figures mean (``webhooks``).

Bare sockets behind one epoll: a client library would cost more than the server that is measured.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

_TIMEOUT_SECONDS = 5.0
_RECEIVE_BYTES = 65_536


@dataclass(slots=True)
class Answered:
    """What came back.

    Attributes:
        keys: of the requests that were answered with 200, in that order.
        latencies: seconds from the first byte out to the last one in, of each of these.
        others: statuses of the rest; 0 for a connection that broke.
    """

    keys: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    seconds: float = 0.0


def send(port: int, requests: Iterator[tuple[str, bytes]], *, connections: int, seconds: float, most: int) -> Answered:
    """Keep *connections* busy until *seconds* are over, *most* requests are sent, or no connection is left.

    Args:
        requests: a key and the bytes of each; ends the sending where it ends.
    """
    found = Answered()
    sent = 0
    with ExitStack() as opened:
        ready = opened.enter_context(select.epoll())
        sockets: dict[int, socket.socket] = {}
        waiting: dict[int, tuple[str, float]] = {}
        received: dict[int, bytes] = {}
        for _ in range(connections):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sockets[one.fileno()] = one
            ready.register(one, select.EPOLLIN)
        started = time.perf_counter()
        until = started + seconds

        def next_request(number: int) -> None:
            nonlocal sent
            if sent < most and time.perf_counter() < until and (request := next(requests, None)) is not None:
                sent += 1
                waiting[number] = (request[0], time.perf_counter())
                sockets[number].sendall(request[1])

        for number in sockets:
            next_request(number)
        while waiting and time.perf_counter() < until + _TIMEOUT_SECONDS:
            for number, _ in ready.poll(_TIMEOUT_SECONDS):
                try:
                    piece = sockets[number].recv(_RECEIVE_BYTES)
                    answer = received.pop(number, b"") + piece
                    if piece and not _is_whole(answer):
                        received[number] = answer
                        continue
                    key, since = waiting.pop(number)
                    status = int(answer[9:12]) if piece else 0
                    if status == 200:
                        found.keys.append(key)
                        found.latencies.append(time.perf_counter() - since)
                    else:
                        found.others.append(status)
                    if not piece:
                        ready.unregister(number)
                        continue
                    next_request(number)
                except (OSError, KeyError):
                    # The server was killed, or closed a connection that waited for nothing.
                    found.others.append(0)
                    waiting.pop(number, None)
                    ready.unregister(number)
        found.seconds = time.perf_counter() - started
    return found


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)
