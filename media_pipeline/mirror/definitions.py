"""The folder tree and the definitions of structured metadata.

Belongs here: reading them whole and making the tables equal.
Not here: assets.
Tables: writes public.media_folders, public.media_metadata_fields.

Folders come from the folder search, one call for 500 of them, which ends at 2000 (cloudinary-api §6.5, §8.5), and
from the assets that lie in them. In a larger tree an empty folder may thus stay unknown; reading folder by folder would
cost a call each. A folder that nothing shows is deleted here only after its own read says that it is gone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.errors import RemoteMalformed, RemoteNotFound, RemoteRefused
from media_pipeline.progress import Progress
from media_pipeline.remote.client import CloudinaryClient

log = structlog.get_logger()

_SEARCH_REACH = 2000
_PAGE_SIZE = 500
_GONE_READS = 20
_GONE_READS_IN_A_LARGE_TREE = 2
_FOLDER_TYPES = ("text", "text", "text", "text")


@dataclass(frozen=True, slots=True)
class FoldersResult:
    """Folders as they are now: ``found`` ones were shown, ``unproved`` ones neither shown nor proved gone."""

    found: int
    written: int
    deleted: int
    unproved: int
    call_count: int
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class MetadataFieldsResult:
    """Definitions of structured metadata as they are now."""

    found: int
    written: int
    deleted: int
    duration_seconds: float


class _Folder(msgspec.Struct):
    path: str
    name: str
    external_id: str | None = None


class _FolderPage(msgspec.Struct):
    folders: list[_Folder]
    next_cursor: str | None = None
    total_count: int | None = None


class _MetadataFields(msgspec.Struct):
    metadata_fields: list[dict[str, Any]]


_folder_decoder = msgspec.json.Decoder(_FolderPage)
_fields_decoder = msgspec.json.Decoder(_MetadataFields)


def refresh_folders(engine: Engine, client: CloudinaryClient, *, progress: Progress) -> FoldersResult:
    """Make ``media_folders`` equal to the cloud's folder tree, after all of it was read.

    Raises:
        RemoteError: nothing was written.
    """
    started = time.monotonic()
    reader = _FolderReader(client, progress)
    folders, is_whole = reader.read_all()
    rows = sorted(
        (path, path.rsplit("/", 1)[-1], path.rsplit("/", 1)[0] if "/" in path else None, external_id)
        for path, external_id in folders.items()
    )
    reads = _GONE_READS if is_whole else _GONE_READS_IN_A_LARGE_TREE
    with transaction(engine) as connection:
        statements.run(connection, "mirror/400_make_found_folder")
        statements.copy_in(connection, "mirror/401_copy_found_folder", rows, _FOLDER_TYPES)
        shown = len(rows) + statements.run(connection, "mirror/405_find_asset_folders").rowcount
        written = len(statements.run(connection, "mirror/410_write_folders").all())
        listed = statements.run(connection, "mirror/420_list_missing_folders", row_limit=reads + 1)
        missing = [row.path for row in listed]
    gone = [path for path in missing[:reads] if reader.is_gone(path)]
    still_there = [path for path in missing[:reads] if path not in gone]
    with transaction(engine) as connection:
        statements.run(connection, "mirror/425_note_folders", paths=still_there)
        deleted = len(statements.run(connection, "mirror/430_delete_folders", paths=gone).all())
    unproved = len(missing) - deleted
    return FoldersResult(shown, written, deleted, unproved, reader.call_count, time.monotonic() - started)


def refresh_metadata_fields(engine: Engine, client: CloudinaryClient) -> MetadataFieldsResult:
    """Make ``media_metadata_fields`` equal to the cloud's definitions; one call, one transaction.

    Raises:
        RemoteError: nothing was written.
    """
    started = time.monotonic()
    answer = client.metadata_fields()
    try:
        fields = _fields_decoder.decode(answer.body).metadata_fields
        ids = [str(field["external_id"]) for field in fields]
        for field in fields:
            if not isinstance(field.get("type"), str):
                raise msgspec.ValidationError(f"field {field['external_id']!r} has no type")
    except (msgspec.DecodeError, KeyError) as error:
        raise RemoteMalformed(
            f"The definitions of structured metadata cannot be read: {error}",
            call="metadata_fields",
            request_id=answer.request_id,
        ) from error
    documents = msgspec.json.encode(fields).decode()
    with transaction(engine) as connection:
        written = len(statements.run(connection, "mirror/440_write_metadata_fields", documents=documents).all())
        removed = statements.run(connection, "mirror/450_delete_metadata_fields", external_ids=ids).all()
    return MetadataFieldsResult(len(fields), written, len(removed), time.monotonic() - started)


class _FolderReader:
    """Reads of one refresh, counted."""

    def __init__(self, client: CloudinaryClient, progress: Progress) -> None:
        self._client = client
        self._progress = progress
        self.call_count = 0

    def read_all(self) -> tuple[dict[str, str | None], bool]:
        """Path to external id of every folder that the search reaches, and whether these are all."""
        found: dict[str, str | None] = {}
        is_whole = True
        cursor: str | None = None
        used: set[str] = set()
        while True:
            self.call_count += 1
            answer = self._client.search_folders(cursor=cursor, max_results=_PAGE_SIZE)
            page = _decode(answer.body, "search_folders", answer.request_id)
            is_whole = is_whole and (page.total_count or 0) <= _SEARCH_REACH
            found.update((folder.path, folder.external_id) for folder in _plain(page.folders))
            self._progress.advance("folders", done=len(page.folders))
            if page.next_cursor is None or page.next_cursor in used or len(found) >= _SEARCH_REACH:
                break
            cursor = page.next_cursor
            used.add(cursor)
        # Parents that the index has not caught up with yet exist, since their children do.
        for path in list(found):
            above = path
            while "/" in above:
                above = above.rsplit("/", 1)[0]
                found.setdefault(above, None)
        return found, is_whole

    def is_gone(self, path: str) -> bool:
        """Whether the folder's own read says 404."""
        self.call_count += 1
        try:
            self._client.subfolders(path, cursor=None)
        except RemoteNotFound:
            return True
        except RemoteRefused:
            # A path that cannot be asked for proves nothing.
            return False
        return False


def _plain(folders: list[_Folder]) -> list[_Folder]:
    """Folders whose path is one; an odd one is told of and left out, the rest goes on."""
    plain = [folder for folder in folders if all(folder.path.split("/")) and "\x00" not in folder.path]
    for folder in folders:
        if folder not in plain:
            log.warning("odd_folder_path", path=folder.path)
    return plain


def _decode(body: bytes, call: str, request_id: str | None) -> _FolderPage:
    try:
        return _folder_decoder.decode(body)
    except msgspec.DecodeError as error:
        raise RemoteMalformed(f"The folders cannot be read: {error}", call=call, request_id=request_id) from error
