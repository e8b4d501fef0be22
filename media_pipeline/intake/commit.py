"""Group commit: everybody who waits for the disk shares one change file, and so its fsyncs.

Belongs here: gathering, the limit of what is gathered. Not here: the form of a change file (``intake.spool``), HTTP.

What has arrived is gathered until a turn of the event loop brings nothing new; then one file is written for all of it,
while the next requests pile up in the kernel. So a single sender waits for one file, and the rate grows with the
senders instead of with the disk.

The file is written by the event loop itself. A thread of its own could wait for the disk beside it, but has to win
Python's lock back after each of a dozen system calls, and nothing could be answered in the meantime anyway.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from media_pipeline.errors import SpoolFull
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.spool import Spool
from media_pipeline.intake.tally import Tally

log = structlog.get_logger(__name__)

_MOST: Final = 512
"""Notifications of one change file."""
_MOST_TURNS: Final = 8
_WAITING_BYTES: Final = 32 * 1024 * 1024


class GroupCommit:
    """Puts notifications of the tasks of one event loop into a spool."""

    def __init__(self, spool: Spool, tally: Tally) -> None:
        self._spool = spool
        self._tally = tally
        self._waiting: list[tuple[Notification, asyncio.Future[None]]] = []
        self._waiting_bytes = 0

    async def keep(self, notification: Notification) -> None:
        """Return when the notification is durable.

        Raises:
            SpoolFull: also if too much waits for the disk already.
            SpoolUnavailable: it could not be kept.
        """
        if self._waiting_bytes + len(notification.body) > _WAITING_BYTES:
            raise SpoolFull("too many notifications wait for its disk")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._gather, loop, 1, 1)
        self._waiting.append((notification, future))
        self._waiting_bytes += len(notification.body)
        await future

    def _gather(self, loop: asyncio.AbstractEventLoop, known: int, turn: int) -> None:
        count = len(self._waiting)
        if known < count < _MOST and turn < _MOST_TURNS:
            loop.call_soon(self._gather, loop, count, turn + 1)
            return
        batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
        failure: Exception | None = None
        try:
            self._spool.put([notification for notification, _ in batch])
        except Exception as error:
            # Whatever it is, those who wait must hear of it.
            failure = error
        else:
            self._tally.commit(len(batch))
            log.debug("change_file_written", room="intake", notification_count=len(batch))
        for _, future in batch:
            if future.done():
                continue
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)
