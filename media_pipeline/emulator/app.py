"""The application: every address Cloudinary answers at, put together.

Belongs here: forms of addresses, the parts in their order. Not here: the tables, see admin_routes and upload_routes;
how a call is read and checked, see calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from media_pipeline.emulator import calls, control_api, polling
from media_pipeline.emulator.admin_routes import ADMIN, not_enabled
from media_pipeline.emulator.calls import Endpoint
from media_pipeline.emulator.delivery import deliver
from media_pipeline.emulator.emulator import Emulator
from media_pipeline.emulator.middleware import CONTROL_PREFIX, ROUTE, Passage
from media_pipeline.emulator.routes import Address
from media_pipeline.emulator.upload_routes import UPLOAD

_ROOT = "/v1_1/{cloud}"
V2 = (
    ("GET", "/v2/notifications/{cloud}/messages", polling.messages),
    ("POST", "/v2/notifications/{cloud}/messages/ack", polling.acknowledge),
)
ANALYSIS = "/v2/{cloud}/analysis/analyze/{input_type}"
DELIVERY = "/{cloud}/{resource_type:resource_type}/{type}/{rest:path}"
# Routes are told apart in statistics by their path as documentation writes it.
_CONVERTOR = re.compile(r":\w+(?=\})|^/v1_1/\{cloud\}")


class _Text(Convertor[str]):
    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _AssetId(_Text):
    regex = "[0-9a-f]{32}"


class _ResourceType(_Text):
    regex = "image|video|raw"


class _ArchivedType(_Text):
    regex = "image|video|raw|auto|all"


register_url_convertor("archived_type", _ArchivedType())
register_url_convertor("asset_id", _AssetId())
register_url_convertor("resource_type", _ResourceType())


def create_app(emulator: Emulator) -> ASGIApp:
    """The whole emulator as an ASGI application."""
    control = control_api.routes(emulator, CONTROL_PREFIX)
    return Passage(_routed(emulator, control), emulator, cache(lambda: _routed(emulator.elsewhere(), [])))


def _routed(emulator: Emulator, first: list[Route]) -> Starlette:
    """The addresses of one cloud behind some others."""

    def route(method: str, path: str, endpoint: Endpoint) -> Route:
        label = f"{method} {_CONVERTOR.sub('', path)}"

        async def noted(request: Request) -> Response:
            request.scope[ROUTE].append(label)
            return await endpoint(request)

        return Route(path, noted, methods=[method])

    def api(addresses: list[Address], endpoint: Callable[[Address], Endpoint]) -> list[Route]:
        return [
            route(method, _ROOT + address.path, endpoint(address))
            for address in addresses
            for method in address.methods.split("|")
        ]

    routes = [
        *first,
        *api(ADMIN, lambda address: calls.admin(emulator, address.handler)),
        *api(UPLOAD, lambda address: calls.upload(emulator, address.handler, address.access)),
        *(route(method, path, partial(endpoint, emulator=emulator)) for method, path, endpoint in V2),
        route("POST", ANALYSIS, calls.admin(emulator, not_enabled)),
        route("GET", DELIVERY, partial(deliver, emulator=emulator)),
    ]
    return Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown, HTTPException: _unknown})


async def _unknown(_request: Request, _error: Exception) -> Response:
    """An unknown route is an HTML page; clients that expect JSON stumble over it, as over the real one."""
    return HTMLResponse("<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>", 404)
