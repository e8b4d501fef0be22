"""From an HTTP request to a handler and back: parameters, credentials, quota, files, error bodies.

Belongs here: the two ways in, `admin` and `upload`, which turn plain functions into endpoints.
Not here: routes, see app; what a call does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from media_pipeline.emulator import cause, sources
from media_pipeline.emulator.auth import check_basic, check_request_signature
from media_pipeline.emulator.config import USER_HEADER
from media_pipeline.emulator.emulator import Emulator
from media_pipeline.emulator.errors import ApiError, bad_request, missing, unauthorized
from media_pipeline.emulator.originals import StoredFile
from media_pipeline.emulator.params import Params

_BODY_LIMIT_BYTES = 100_000_000
# Key of the scope under which a request's id is noted.
REQUEST_ID = "emulator_request_id"
# Key under which a fault notes how many assets the call may delete.
DELETE_LIMIT = "emulator_delete_limit"
_JSON = "application/json; charset=utf-8"

# Responses and bytes are sent as they are, anything else as JSON.
Answer = object
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read.

    Attributes:
        path: The decoded parts of the address.
        source: The bytes that came with the call.
        is_signed: Whether the caller has shown credentials; only an upload with a preset comes without.
    """

    emulator: Emulator
    path: dict[str, str]
    params: Params
    source: sources.Source = field(default_factory=sources.Source)
    is_signed: bool = True


Handler = Callable[[Call], Answer]


def encode(value: object) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)


def answer(content: Answer, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An HTTP answer with JSON."""
    if isinstance(content, Response):
        return content
    body = content if isinstance(content, bytes) else encode(content)
    return Response(body, status, headers, media_type=_JSON)


def refusal(error: ApiError, headers: dict[str, str] | None = None) -> Response:
    """The HTTP answer to a refused call."""
    return answer({"error": {"message": error.message}}, error.status, headers)


def admin(emulator: Emulator, handler: Handler) -> Endpoint:
    """An endpoint of the Admin API: Basic credentials, counted, with rate headers on every answer."""

    async def endpoint(request: Request) -> Response:
        try:
            authorize_admin(emulator, request)
            params = await read_params(request)
            # Asking for the versions of an asset costs eleven calls.
            emulator.quota.spend(11 if params.flag("versions") and request.method == "GET" else 1)
            call = Call(emulator, request.path_params, params)
            _note_cause(request, params)
            content = await run_in_threadpool(handler, call)
        except ApiError as error:
            return refusal(error, emulator.quota.headers())
        finally:
            await request.close()
        return answer(content, headers=emulator.quota.headers())

    return endpoint


class Access(Enum):
    """Who may call an action of the Upload API."""

    SIGNED = auto()
    UNSIGNED_WITH_PRESET = auto()
    ANYONE = auto()


def upload(emulator: Emulator, handler: Handler, access: Access = Access.SIGNED) -> Endpoint:
    """An endpoint of the Upload API: signed parameters, Basic credentials or a bearer token, not counted."""

    async def endpoint(request: Request) -> Response:
        try:
            _check_cloud(emulator, request)
            if int(request.headers.get("content-length", "0")) > _BODY_LIMIT_BYTES:
                raise ApiError(413, "Request entity too large")
            params, file = await _upload_params(request)
            is_signed = access is not Access.ANYONE and _authorize_upload(emulator, request, params, access)
            _note_cause(request, params)
            content = await run_in_threadpool(_received, emulator, request, params, file, is_signed, handler)
        except ApiError as error:
            return refusal(error)
        finally:
            await request.close()
        return answer(content)

    return endpoint


def _note_cause(request: Request, params: Params) -> None:
    cause.enter(
        request.scope[REQUEST_ID],
        params,
        delete_limit=request.scope.get(DELETE_LIMIT),
        console_user=request.headers.get(USER_HEADER),
    )


def _received(
    emulator: Emulator,
    request: Request,
    params: Params,
    file: UploadFile | None,
    is_signed: bool,
    handler: Handler,
) -> Answer:
    source = sources.Source()
    if file is not None:
        source = sources.of_upload(emulator.library, request, file)
    elif "file" in params:
        source = sources.of_text(emulator.library, params.required("file"))
    return handler(Call(emulator, request.path_params, params, source, is_signed))


def require_file(call: Call) -> StoredFile:
    """The file of an upload.

    Raises:
        ApiError: 400 if the call brought none, or an empty one.
    """
    file = call.source.file
    if file is None:
        raise missing("file")
    if not file.size_bytes:
        raise bad_request("Empty file")
    return file


def authorize_admin(emulator: Emulator, request: Request) -> None:
    """Check the caller's credentials and the cloud's name, in this order.

    Raises:
        ApiError: 401, with Cloudinary's words for each way to be wrong.
    """
    _check_header(emulator, request.headers.get("authorization", ""))
    _check_cloud(emulator, request)


def _check_cloud(emulator: Emulator, request: Request) -> None:
    if request.path_params["cloud"].lower() != emulator.config.cloud_name:
        raise unauthorized("cloud_name mismatch")


def _authorize_upload(emulator: Emulator, request: Request, params: Params, access: Access) -> bool:
    """Check the caller's credentials; False if the call comes without and may do so."""
    header = request.headers.get("authorization")
    if header:
        _check_header(emulator, header)
    elif access is Access.UNSIGNED_WITH_PRESET and params.text("upload_preset") and "signature" not in params:
        return False
    else:
        config, now = emulator.config, emulator.clock.now()
        check_request_signature(params.signable(), config.api_key, config.api_secret, now)
    return True


def _check_header(emulator: Emulator, header: str) -> None:
    """Accept Basic credentials, or a bearer token that the settings know."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        check_basic(header, emulator.config.api_key, emulator.config.api_secret)
    elif token.strip() not in emulator.settings.oauth_tokens:
        raise unauthorized("Invalid OAuth token")


async def read_params(request: Request) -> Params:
    """Parameters of a call of the Admin API, from its query and its body."""
    query = Params.of_pairs(request.query_params.multi_items()).values
    body = await request.body()
    if not body:
        return Params(query)
    if request.headers.get("content-type", "").startswith(("multipart/", "application/x-www-form-urlencoded")):
        given = Params.of_pairs((name, str(value)) for name, value in (await request.form()).multi_items())
    else:
        given = Params.of_json(body)
    return Params({**query, **given.values})


async def _upload_params(request: Request) -> tuple[Params, UploadFile | None]:
    if request.headers.get("content-type", "").startswith("application/json"):
        return Params.of_json(await request.body()), None
    # A data URI is an ordinary field, and may be as large as a file.
    try:
        form = await request.form(max_part_size=_BODY_LIMIT_BYTES)
    except HTTPException as error:
        raise bad_request(f"The form cannot be read: {error.detail}") from None
    items = form.multi_items()
    files = [value for name, value in items if name == "file" and isinstance(value, UploadFile)]
    texts = [(name, value) for name, value in items if not isinstance(value, UploadFile)]
    query = list(request.query_params.multi_items())
    return Params.of_pairs(query + texts), files[0] if files else None
