"""An independent look at the cloud, for the comparison with the mirror.

Belongs here: its own requests, its own paging, its own mapping from Cloudinary's members to columns.
Not here: the comparison (``cli.drift``). Nothing of ``remote`` is used: a mistake there must not hide itself here.

Source: cloudinary-api §5.1 to §5.4 (lists, flags, members), §6.5 (folder search), §2 (errors).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from media_pipeline.errors import (
    RateLimited,
    RemoteForbidden,
    RemoteMalformed,
    RemoteNotFound,
    RemoteRefused,
    RemoteRejectedKey,
    RemoteUnavailable,
)
from media_pipeline.settings import CloudCredentials
from media_pipeline.vocabulary import Slice

Item = Mapping[str, Any]

_FLAGS: Final = {"tags": "true", "context": "true", "metadata": "true", "moderations": "true"}
_PAGE_SIZE: Final = 500
_FOLDER_SEARCH_REACH: Final = 2000
_IDS_PER_READ: Final = 10  # 10 in one source, 100 in another
_TRIES: Final = 4
_TIMEOUT_SECONDS: Final = 60


def _context(item: Item) -> object:
    context = item.get("context") or {}
    return context.get("custom", context)


COLUMNS: Final[Mapping[str, Callable[[Item], object]]] = {
    "resource_type": lambda item: item["resource_type"],
    "delivery_type": lambda item: item["type"],
    "public_id": lambda item: item["public_id"],
    "format": lambda item: item.get("format"),
    "version": lambda item: item.get("version"),
    "created_at": lambda item: moment(item.get("created_at")),
    "size_bytes": lambda item: item.get("bytes"),
    "width_px": lambda item: item.get("width"),
    "height_px": lambda item: item.get("height"),
    "asset_folder": lambda item: item["asset_folder"] if "asset_folder" in item else item.get("folder"),
    "display_name": lambda item: item.get("display_name"),
    "tags": lambda item: sorted(set(item.get("tags") or [])),
    "context": _context,
    "metadata": lambda item: item.get("metadata") or {},
    "access_mode": lambda item: item.get("access_mode"),
    "access_control": lambda item: item.get("access_control"),
    "moderation_kind": lambda item: item.get("moderation_kind"),
    "moderation_status": lambda item: item.get("moderation_status"),
    "is_placeholder": lambda item: item.get("placeholder") is True,
    "is_backed_up": lambda item: item.get("backup") is True,
    "secure_url": lambda item: item.get("secure_url"),
}
"""How each mirrored column reads in a listed item."""


def moment(text: str | None) -> datetime | None:
    """A time as Cloudinary or Postgres writes it."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


class Witness:
    """Reads of one cloud; a context manager. ``call_count`` counts the Admin API calls."""

    def __init__(self, credentials: CloudCredentials) -> None:
        self.call_count = 0
        self._http = httpx.Client(
            base_url=f"{credentials.upload_prefix}/v1_1/{credentials.cloud_name}",
            auth=(credentials.api_key, credentials.api_secret),
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def pages(self, slice_: Slice) -> Iterator[list[Item]]:
        """Every page of a slice, newest assets first.

        Raises:
            RemoteError: as all methods; what was yielded before is no complete slice then.
        """
        path = f"/resources/{slice_.resource_type.value}/{quote(slice_.delivery_type, safe='')}"
        yield from self._paged(path, {**_FLAGS, "max_results": str(_PAGE_SIZE)}, "resources")

    def exist(self, asset_ids: Sequence[str]) -> set[str]:
        """Those of the ids that a read by id shows; listings also show remnants of deleted assets."""
        found: set[str] = set()
        for start in range(0, len(asset_ids), _IDS_PER_READ):
            some = list(asset_ids[start : start + _IDS_PER_READ])
            answer = self._get("/resources/by_asset_ids", {"asset_ids[]": some}, "resources")
            found.update(item["asset_id"] for item in answer["resources"])
        return found

    def folders(self) -> dict[str, str | None]:
        """Path to external id of every folder; None for one that only its children prove."""
        found: dict[str, str | None] = {}
        for page in self._paged("/folders/search", {"max_results": str(_PAGE_SIZE)}, "folders"):
            found.update((folder["path"], folder.get("external_id")) for folder in page)
            if len(found) >= _FOLDER_SEARCH_REACH:
                return self._folder_tree()
        for path in list(found):
            parts = path.split("/")
            for depth in range(1, len(parts)):
                found.setdefault("/".join(parts[:depth]), None)
        return found

    def _folder_tree(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        waiting = [""]
        while waiting:
            path = waiting.pop()
            address = "/folders" + "".join("/" + quote(part, safe="") for part in path.split("/") if part)
            for page in self._paged(address, {"max_results": str(_PAGE_SIZE)}, "folders"):
                found.update((folder["path"], folder.get("external_id")) for folder in page)
                waiting.extend(folder["path"] for folder in page)
        return found

    def metadata_fields(self) -> list[Item]:
        """Every definition of structured metadata, in Cloudinary's order."""
        fields: list[Item] = self._get("/metadata_fields", {}, "metadata_fields")["metadata_fields"]
        return fields

    def _paged(self, path: str, parameters: Mapping[str, str], member: str) -> Iterator[list[Item]]:
        cursor: str | None = None
        used: set[str] = set()
        while True:
            asked = {**parameters, **({} if cursor is None else {"next_cursor": cursor})}
            answer = self._get(path, asked, member)
            yield answer[member]
            cursor = answer.get("next_cursor")
            if not cursor:
                return
            if cursor in used:
                raise RemoteMalformed("A cursor came a second time", call=path)
            used.add(cursor)

    def _get(self, path: str, parameters: Mapping[str, str | list[str]], member: str) -> dict[str, Any]:
        tries = Retrying(
            retry=retry_if_exception_type(RemoteUnavailable),
            stop=stop_after_attempt(_TRIES),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            reraise=True,
        )
        return tries(self._get_once, path, parameters, member)

    def _get_once(self, path: str, parameters: Mapping[str, str | list[str]], member: str) -> dict[str, Any]:
        self.call_count += 1
        try:
            response = self._http.get(path, params=parameters)
        except httpx.HTTPError as error:
            raise RemoteUnavailable(f"No answer: {error}", call=path) from error
        _require_success(path, response)
        try:
            answer = json.loads(response.content)
        except ValueError as error:
            raise RemoteMalformed(f"The answer is no JSON: {error}", call=path) from error
        if not isinstance(answer, dict) or "error" in answer or not isinstance(answer.get(member), list):
            raise RemoteMalformed(f"The answer has no list {member!r}", call=path)
        return answer


def _require_success(path: str, response: httpx.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    message = f"Cloudinary answers {status}: {response.text[:200]}"
    if status in {420, 429}:
        reset = response.headers.get("X-FeatureRateLimit-Reset")
        reset_at = parsedate_to_datetime(reset) if reset else datetime.now(UTC) + timedelta(hours=1)
        raise RateLimited(message, call=path, reset_at=reset_at)
    if status >= 500 or status == 408:
        raise RemoteUnavailable(message, call=path)
    if status == 401:
        raise RemoteRejectedKey(message, call=path)
    if status == 403:
        raise RemoteForbidden(message, call=path, permission="assets, folders and metadata fields: read")
    raise (RemoteNotFound if status == 404 else RemoteRefused)(message, call=path)
