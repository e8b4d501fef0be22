"""The control API under ``/_emulator``: what tests, demonstrations and benches do to the emulator itself.

Belongs here: its routes, behind a bearer token of their own. Not here: the client, see control.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media_pipeline.emulator import bulk
from media_pipeline.emulator.calls import answer, refusal
from media_pipeline.emulator.emulator import Emulator
from media_pipeline.emulator.errors import ApiError, bad_request, unauthorized
from media_pipeline.emulator.faults import Rule
from media_pipeline.emulator.notices import Notice


@dataclass(frozen=True, slots=True)
class Order:
    """One call of the control API: the decoded parts of its address, and its body."""

    emulator: Emulator
    path: dict[str, int | str]
    body: bytes


Handler = Callable[[Order], object]


def routes(emulator: Emulator, prefix: str) -> list[Route]:
    """The routes of the control API below a prefix."""
    return [Route(prefix + path, _guarded(emulator, handler), methods=[method]) for method, path, handler in _ROUTES]


def _guarded(emulator: Emulator, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        expected = f"Bearer {emulator.control_token}".encode()
        given = request.headers.get("authorization", "").encode()
        try:
            if not hmac.compare_digest(given, expected):
                raise unauthorized("The control API needs its bearer token")
            order = Order(emulator, request.path_params, await request.body())
            return answer(await run_in_threadpool(handler, order))
        except msgspec.MsgspecError as error:
            return refusal(bad_request(str(error)))
        except ApiError as error:
            return refusal(error)

    return endpoint


def _change_settings(order: Order) -> object:
    order.emulator.change_settings(msgspec.json.decode(order.body, type=dict[str, object]))
    return order.emulator.settings


def _set_quota_used(order: Order) -> object:
    order.emulator.quota.used = msgspec.json.decode(order.body, type=dict[str, int]).get("used", 0)
    return {"used": order.emulator.quota.used}


def _remove_fault(order: Order) -> object:
    rule_id = int(order.path["rule_id"])
    if not order.emulator.faults.remove(rule_id):
        raise ApiError(404, f"No rule {rule_id} is in force")
    return order.emulator.faults.states()


def _bulk(order: Order) -> object:
    return bulk.generate(order.emulator.library, msgspec.json.decode(order.body, type=bulk.Plan))


def _notify(order: Order) -> object:
    notice = msgspec.json.decode(order.body, type=Notice)
    with order.emulator.library.store.write() as db:
        order.emulator.library.notifications.post(db, notice)
    return order.emulator.library.notifications.deliveries()


def _settle(order: Order) -> object:
    order.emulator.notifier.settle()
    return order.emulator.library.notifications.deliveries()


_ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/settings", lambda order: order.emulator.settings),
    ("PATCH", "/settings", _change_settings),
    ("PUT", "/quota", _set_quota_used),
    ("GET", "/faults", lambda order: order.emulator.faults.states()),
    ("POST", "/faults", lambda order: order.emulator.faults.add(msgspec.json.decode(order.body, type=list[Rule]))),
    ("DELETE", "/faults", lambda order: order.emulator.faults.clear()),
    ("DELETE", "/faults/{rule_id:int}", _remove_fault),
    ("GET", "/journal", lambda order: order.emulator.traffic.journal()),
    ("DELETE", "/journal", lambda order: order.emulator.traffic.clear_journal()),
    ("GET", "/stats", lambda order: order.emulator.stats()),
    ("DELETE", "/stats", lambda order: order.emulator.traffic.clear_routes()),
    ("POST", "/reset", lambda order: order.emulator.reset()),
    ("POST", "/bulk", _bulk),
    ("GET", "/snapshots", lambda order: order.emulator.library.snapshots.names()),
    ("PUT", "/snapshots/{name}", lambda order: order.emulator.save_snapshot(str(order.path["name"]))),
    ("POST", "/snapshots/{name}/restore", lambda order: order.emulator.restore_snapshot(str(order.path["name"]))),
    ("DELETE", "/snapshots/{name}", lambda order: order.emulator.library.snapshots.drop(str(order.path["name"]))),
    ("GET", "/notifications", lambda order: order.emulator.library.notifications.deliveries()),
    ("POST", "/notifications", _notify),
    ("DELETE", "/notifications", lambda order: order.emulator.library.notifications.forget()),
    ("POST", "/notifications/settle", _settle),
]
