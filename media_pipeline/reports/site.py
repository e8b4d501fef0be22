"""The reports as web pages on this machine, to be read and nothing else.

Belongs here: which files are served, the headers they are served with, the list of reports, the server.
Not here: making reports (``reports.files``), when the server runs (``cli``).

It has no log-in, so it listens on 127.0.0.1 alone and answers only to names of this machine: a page of somebody else
whose name was made to lead here is refused.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from media_pipeline.errors import ConfigurationError
from media_pipeline.reports.files import PAGE, Written, content_security_policy, list_written, render
from media_pipeline.settings import Settings

HOST: Final = "127.0.0.1"

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}
_SHOWN_HERE: Final = frozenset({".html", ".json"})
"""All other files are for a program of the reader, never for the browser."""
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_CONNECTIONS: Final = 100
_STOP_SECONDS: Final = 5


def application(settings: Settings) -> Starlette:
    """The site over ``settings.reports``, which need not exist yet."""

    def index(_: Request) -> Response:
        newest: dict[str, Written] = {}
        counts: dict[str, int] = {}
        for one in list_written(settings):
            newest.setdefault(one.name, one)
            counts[one.name] = counts.get(one.name, 0) + 1
        return _page(render("index.html", title="Reports", reports=list(newest.values()), counts=counts))

    def list_one(request: Request) -> Response:
        name: str = request.path_params["name"]
        found = list_written(settings, name) if name.isidentifier() else []
        if not found:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return _page(render("index.html", title=found[0].title, reports=found, counts=None))

    def show(request: Request) -> Response:
        wanted: str = request.path_params["path"]
        path = _inside(settings.reports, wanted)
        if path.is_dir():
            if not wanted.endswith("/"):
                return RedirectResponse(f"{request.url.path}/", HTTPStatus.PERMANENT_REDIRECT)
            path = _inside(settings.reports, f"{wanted}{PAGE}")
        if not path.is_file():
            raise HTTPException(HTTPStatus.NOT_FOUND)
        if path.suffix == ".html":
            return _page(path.read_text(encoding="utf-8"))
        return FileResponse(
            path,
            media_type=_TYPES.get(path.suffix, "application/octet-stream"),
            filename=path.name,
            content_disposition_type="inline" if path.suffix in _SHOWN_HERE else "attachment",
        )

    def refuse(_: Request, error: Exception) -> Response:
        status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        page = _page(render("missing.html", title=status.phrase))
        page.status_code = status
        return page

    hosts = [HOST, "localhost"]
    if settings.reports_url is not None:
        hosts.append(urlsplit(settings.reports_url).hostname or HOST)
    return Starlette(
        routes=[
            Route("/", index),
            Route("/{name}/", list_one),
            Route("/{path:path}", show),
        ],
        middleware=[Middleware(_Strict), Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
        exception_handlers={HTTPException: refuse, OSError: refuse},
    )


def serve(settings: Settings, *, port: int, announce: Callable[[str], object]) -> None:
    """Serve the reports until SIGINT or SIGTERM.

    Args:
        port: 0 picks a free one.
        announce: told the address once it accepts connections.

    Raises:
        ConfigurationError: the port is taken.
    """
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise ConfigurationError(
            f"Reports cannot be served at port {port} of {HOST}: {error.strerror}.",
            hint="Set MEDIA_PIPELINE_REPORTS_PORT, or use --port.",
        ) from error
    with listening:
        announce(f"http://{HOST}:{listening.getsockname()[1]}/")
        config = uvicorn.Config(
            application(settings),
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        uvicorn.Server(config).run([listening])


def _inside(root: Path, wanted: str) -> Path:
    """The file called *wanted* below *root*, links followed.

    Raises:
        HTTPException: it is somewhere else, or hidden.
    """
    parts = wanted.split("/")
    if "\0" in wanted or any(part.startswith(".") for part in parts):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    whole = root.resolve()
    path = whole.joinpath(*[part for part in parts if part]).resolve()
    if not path.is_relative_to(whole):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return path


def _page(html: str) -> HTMLResponse:
    """A page under a rule that allows the styles it has and no script: those of an older version differ."""
    rule = f"{content_security_policy(*_STYLE.findall(html))}; base-uri 'none'; form-action 'none'"
    return HTMLResponse(html, headers={"Content-Security-Policy": f"{rule}; frame-ancestors 'none'"})


class _Strict:
    """Headers that every answer has."""

    _HEADERS: Final = (
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-frame-options", b"DENY"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cache-control", b"no-cache"),
    )
    _NOTHING: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *self._HEADERS]
                if not any(name == self._NOTHING[0] for name, _ in headers):
                    headers.append(self._NOTHING)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)
