"""Polled notifications: ``/v2/notifications/{cloud}/messages`` with its long wait.

Belongs here: the two calls. Not here: the buffers, see notifications.
"""

from __future__ import annotations

import asyncio
import time

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from media_pipeline.emulator.calls import answer, authorize_admin, read_params, refusal
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.emulator import Emulator
from media_pipeline.emulator.errors import ApiError, bad_request, invalid_value
from media_pipeline.emulator.params import Params

_LOOK_SECONDS = 0.1
_HANDLES_LIMIT = 100


async def messages(request: Request, emulator: Emulator) -> Response:
    """Messages of a channel or a batch; waits for the first one as long as the caller wants.

    The wait is by the wall clock; when a message comes back is by the emulator's.
    """
    try:
        authorize_admin(emulator, request)
        params = await read_params(request)
        channel, batch_id = params.text("channel"), params.text("batch_id")
        if bool(channel) == bool(batch_id):
            raise bad_request("Supply exactly one of 'channel' or 'batch_id'")
        limit = _number(params, "max_messages", 10, 1, 100)
        wait_seconds = _number(params, "wait_seconds", 20, 0, 60)
        visibility = _number(params, "visibility_timeout", 30, 1, 600)
        until = time.monotonic() + wait_seconds
        claim = emulator.library.notifications.claim
        while not (claimed := await run_in_threadpool(claim, channel, batch_id, limit, visibility)):
            if time.monotonic() >= until or await request.is_disconnected():
                break
            await asyncio.sleep(_LOOK_SECONDS)
    except ApiError as error:
        return refusal(error)
    found: Document = {"messages": claimed} if claimed else {}
    return answer(found)


async def acknowledge(request: Request, emulator: Emulator) -> Response:
    """Remove claimed messages for good; each handle has its own outcome."""
    try:
        authorize_admin(emulator, request)
        params = await read_params(request)
        handles = params.required_strings("receipt_handles", _HANDLES_LIMIT)
        done = [await run_in_threadpool(emulator.library.notifications.acknowledge, handle) for handle in handles]
    except ApiError as error:
        return refusal(error)
    return answer({"results": [{"status": "acked" if is_known else "not_found"} for is_known in done]})


def _number(params: Params, name: str, default: int, low: int, high: int) -> int:
    number = params.integer(name, default, low, high + 1)
    if number > high:
        raise invalid_value(params.text(name), name)
    return number
