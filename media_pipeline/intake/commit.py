"""Group commit: everybody who waits for the disk shares one change file, and so its two fsyncs.

Belongs here: the one writer of a receiver, the limit of what may wait for it.
Not here: the form of a change file (``intake.spool``), HTTP (``intake.receiver``).

While one file is being forced to disk, the notifications that arrive meanwhile gather for the next one. So a single
sender waits for one file, and the rate grows with the senders instead of with the disk.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import Final

from media_pipeline.errors import SpoolFull
from media_pipeline.intake.spool import Notification, Spool

_MOST: Final = 512
"""Notifications of one change file."""
_WAITING_BYTES: Final = 32 * 1024 * 1024

_Waiting = tuple[Notification, "asyncio.Future[None]"]


class GroupCommit:
    """Puts notifications into a spool from the tasks of one event loop; made inside that loop.

    Its thread lives until ``close``.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._waiting_bytes = 0
        self._thread = threading.Thread(target=self._run, name="spool writer")
        self._thread.start()

    async def keep(self, notification: Notification) -> None:
        """Return when the notification is durable.

        Raises:
            SpoolFull: also if too much waits for the disk already.
            SpoolUnavailable: it could not be kept.
        """
        size = len(notification.body)
        if self._waiting_bytes + size > _WAITING_BYTES:
            raise SpoolFull("too many notifications wait for its disk")
        self._waiting_bytes += size
        future: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((notification, future))
        try:
            await future
        finally:
            self._waiting_bytes -= size

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch: list[_Waiting] = []
            found = self._queue.get()
            while found is not None:
                batch.append(found)
                if len(batch) == _MOST:
                    break
                try:
                    found = self._queue.get_nowait()
                except queue.Empty:
                    break
            is_open = found is not None
            if batch:
                self._write(batch)

    def _write(self, batch: list[_Waiting]) -> None:
        failure: Exception | None = None
        try:
            self._spool.put([notification for notification, _ in batch])
        except Exception as error:
            # Whatever it is, those who wait must hear of it, and the next ones must find a writer.
            failure = error
        self._loop.call_soon_threadsafe(_tell, [future for _, future in batch], failure)


def _tell(futures: list[asyncio.Future[None]], failure: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
