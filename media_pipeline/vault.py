"""The bytes vault: originals that are kept before Cloudinary loses them, files that wait to be uploaded.

Belongs here: the directory, what is proved before bytes count as a copy, filling, checking and opening copies.
Not here: when a copy is needed (``push``), how bytes are asked for (``remote``).
Tables: writes ops.vault_object, ops.vault_copy.

A file lies under ``vault/ab/cd/<SHA-256>``. It is written beside that, forced to disk and then renamed, and its
directory is forced to disk, before any table or anybody else hears of it: a crash leaves a file that nobody knows, or a
copy that is whole. A copy is proved by Cloudinary's own MD5 of the asset (its etag) and by its size.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import structlog
from sqlalchemy import Connection, Engine, Row

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, retrying
from media_pipeline.errors import NoCopy, RateLimited, RemoteError, RemoteTransient, VaultUnwritable
from media_pipeline.progress import Progress
from media_pipeline.remote import payloads
from media_pipeline.remote.calls import Original, OriginalSource, Sink
from media_pipeline.remote.client import IDS_PER_CALL, CloudinaryClient
from media_pipeline.vocabulary import AssetId, CallPurpose, VaultState

log = structlog.get_logger()

_PIECE_BYTES: Final = 1024 * 1024
_LEFT_BEHIND_SECONDS: Final = 86400
_LOST_IN_A_ROW: Final = 3
"""Originals that did not answer one after the other until the others are not asked for any more."""
_NAMED: Final = 100
"""Assets that a result names at most."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the vault: SHA-256 and MD5 in hex, length."""

    sha256: str
    md5: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Secured:
    """For each asset that was asked for its copy, or why there is none; ``fetched`` copies are new."""

    copies: Mapping[AssetId, StoredFile | NoCopy]
    fetched: int


@dataclass(frozen=True, slots=True)
class FillResult:
    """What filling led to.

    Attributes:
        failures: asset_id, public_id and reason of those without a copy, the first hundred.
        is_complete: False where the limit of bytes ended it.
    """

    kept_count: int
    kept_bytes: int
    failed_count: int
    failures: tuple[tuple[AssetId, str, str], ...]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file that is corrupt or missing, and the assets whose bytes it had, by public_id where that is known."""

    sha256: str
    state: VaultState
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What reading every file again showed."""

    file_count: int
    file_bytes: int
    damaged: tuple[Damaged, ...]


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """How much of the live library has a copy of its present bytes, and what the vault holds in all."""

    asset_count: int
    asset_bytes: int
    kept_count: int
    kept_bytes: int
    file_count: int
    file_bytes: int
    damaged_count: int
    oldest_check_at: datetime | None


class _Arriving:
    """Bytes on their way to disk; a ``remote.calls.Sink``."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def restart(self) -> None:
        """Forget what came."""
        with _writing():
            self._file.seek(0)
            self._file.truncate()
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Take a piece."""
        self._sha256.update(piece)
        self._md5.update(piece)
        self._size += len(piece)
        with _writing():
            self._file.write(piece)

    def settled(self) -> StoredFile:
        """Force all of it to disk."""
        with _writing():
            self._file.flush()
            os.fsync(self._file.fileno())
        return self.content

    @property
    def content(self) -> StoredFile:
        """What came so far."""
        return StoredFile(self._sha256.hexdigest(), self._md5.hexdigest(), self._size)


class Vault:
    """The vault of one deployment; safe to use from several processes at once.

    Args:
        home: directory of the deployment's local state.
    """

    def __init__(self, engine: Engine, home: Path) -> None:
        self._engine = engine
        self._directory = home / "vault"

    # Keeping

    def secure(
        self,
        client: CloudinaryClient,
        originals: Sequence[Original],
        *,
        before_each: Callable[[], object] = lambda: None,
    ) -> Secured:
        """See that the vault has the present bytes of these assets, and read them: what is corrupt is fetched anew.

        Args:
            before_each: called before each fetch, since one may take minutes.

        Raises:
            RateLimited: the allowance of Admin API calls is spent; copies that were proved stay.

        Calls: one ``by_asset_ids`` read for 100 assets without a copy, one detail where that tells no etag.
        """
        copies: dict[AssetId, StoredFile | NoCopy] = dict(self._known(originals))
        missing = [one for one in originals if one.asset_id not in copies]
        lost = 0
        for start in range(0, len(missing), IDS_PER_CALL):
            batch = missing[start : start + IDS_PER_CALL]
            etags = _etags(client, [one.asset_id for one in batch])
            for original in batch:
                if lost == _LOST_IN_A_ROW:
                    copies[original.asset_id] = NoCopy(original.asset_id, "Cloudinary delivers nothing at the moment")
                    continue
                before_each()
                try:
                    copies[original.asset_id] = self._fetch(client, original, etags.get(original.asset_id))
                    lost = 0
                except NoCopy as failure:
                    log.warning("no_copy", asset_id=original.asset_id, reason=failure.reason)
                    copies[original.asset_id] = failure
                    lost = lost + 1 if isinstance(failure.__cause__, RemoteTransient) else 0
        return Secured(copies, sum(isinstance(copies[one.asset_id], StoredFile) for one in missing))

    def take_in(self, file: Path) -> StoredFile:
        """Keep a file of this machine.

        Raises:
            OSError: it cannot be read.
            VaultUnwritable: the vault cannot be written.
        """
        with file.open("rb") as source, self._arriving() as (arriving, place):
            while piece := source.read(_PIECE_BYTES):
                arriving.write(piece)
            self._place(place, arriving.settled())
        self._know(arriving.content)
        return arriving.content

    def _known(self, originals: Sequence[Original]) -> Iterator[tuple[AssetId, StoredFile]]:
        with read_only(self._engine) as connection:
            rows = statements.run(
                connection,
                "vault/010_find_copies",
                asset_ids=[one.asset_id for one in originals],
                versions=[one.version or 0 for one in originals],
            ).all()
        for row in rows:
            with suppress(NoCopy):
                self.checked(row.sha256)
                yield AssetId(row.asset_id), StoredFile(row.sha256, row.md5, row.size_bytes)

    def _fetch(self, client: CloudinaryClient, original: Original, etag: payloads.Etag | None) -> StoredFile:
        asset_id = original.asset_id
        if etag is None or etag.etag is None:
            raise NoCopy(asset_id, "Cloudinary tells no MD5 of it, so nothing could prove the bytes")
        if etag.version != original.version:
            raise NoCopy(asset_id, "its bytes were changed in Cloudinary this moment")
        reasons: list[str] = []
        cause: RemoteError | None = None
        for source in client.sources_of(original):
            try:
                with self._arriving() as (arriving, place):
                    client.fetch_original(original, source, arriving)
                    content = arriving.settled()
                    problem = _difference(content, original.size_bytes, etag.etag)
                    if problem:
                        reasons.append(f"{source}: {problem}")
                        continue
                    self._place(place, content)
            except RateLimited:
                raise
            except RemoteError as error:
                reasons.append(f"{source}: {error.reason}")
                cause = error
            except VaultUnwritable as error:
                raise NoCopy(asset_id, str(error)) from error
            else:
                self._know(content)
                self._write(
                    "vault/030_write_copy", asset_id=asset_id, version=original.version or 0, sha256=content.sha256
                )
                return content
        raise NoCopy(asset_id, "; ".join(reasons)) from cause

    @contextmanager
    def _arriving(self) -> Iterator[tuple[_Arriving, Path]]:
        """A new file, gone after the block unless it was placed."""
        place = self._directory / "arriving" / secrets.token_hex(16)
        with _writing():
            place.parent.mkdir(parents=True, exist_ok=True)
            file = place.open("xb")
        try:
            with file:
                yield _Arriving(file), place
        finally:
            with suppress(OSError):
                place.unlink(missing_ok=True)

    def _place(self, arrived: Path, content: StoredFile) -> None:
        """Give a file its name, so that it is on disk whatever happens next."""
        target = self._path(content.sha256)
        with _writing():
            target.parent.mkdir(parents=True, exist_ok=True)
            arrived.replace(target)
            for directory in (target.parent, target.parent.parent, self._directory):
                _force(directory)

    def _know(self, content: StoredFile) -> None:
        self._write("vault/020_write_object", sha256=content.sha256, md5=content.md5, size_bytes=content.size_bytes)

    def _write(self, name: str, **values: Any) -> None:
        def work(connection: Connection) -> None:
            statements.run(connection, name, **values)

        retrying(self._engine, work)

    # Reading

    def newest(self, asset_id: AssetId) -> StoredFile:
        """The newest bytes of an asset that the vault knows; the file itself is not looked at.

        Raises:
            NoCopy: it has none.
        """
        with read_only(self._engine) as connection:
            row = statements.run(connection, "vault/080_find_newest_copy", asset_id=asset_id).first()
        if row is None:
            raise NoCopy(asset_id, "the vault has none")
        return StoredFile(row.sha256, row.md5, row.size_bytes)

    def checked(self, sha256: str) -> Path:
        """Where a file is, after all of it was read and found whole; a damaged one is marked so.

        Raises:
            NoCopy: it is missing or corrupt.
        """
        state = self._check(sha256)
        if state is not VaultState.WHOLE:
            raise NoCopy(sha256, f"its file in the vault is {state}")
        return self._path(sha256)

    def read(self, client: CloudinaryClient, asset_id: AssetId, sink: Sink) -> OriginalSource | None:
        """Hand over the bytes of an asset: from Cloudinary, or where it cannot be reached or has none, our newest copy.

        Returns:
            Where in Cloudinary they came from; None for the vault.

        Raises:
            NoCopy: neither has them, with the reason of each.
        """
        with read_only(self._engine) as connection:
            row = statements.run(connection, "vault/090_read_original", asset_id=asset_id).mappings().first()
        reasons = ["Cloudinary does not have it"] if row is None else []
        if row is not None:
            original = Original(**row)
            for source in client.sources_of(original):
                try:
                    client.fetch_original(original, source, sink)
                except RemoteError as error:
                    reasons.append(f"{source}: {error.reason}")
                else:
                    return source
        try:
            with self.open_copy(asset_id) as copy:
                sink.restart()
                while piece := copy.read(_PIECE_BYTES):
                    sink.write(piece)
        except NoCopy as error:
            raise NoCopy(asset_id, "; ".join([*reasons, error.reason])) from error
        return None

    def open_copy(self, asset_id: AssetId) -> BinaryIO:
        """The newest bytes of an asset, to be served while Cloudinary cannot be reached; the caller closes it.

        Only its length is compared: ``verify`` reads the bytes themselves.

        Raises:
            NoCopy: there is none, or the file is gone or has another length.
        """
        found = self.newest(asset_id)
        try:
            file = self._path(found.sha256).open("rb")
        except OSError as error:
            raise NoCopy(asset_id, f"its file in the vault cannot be read ({error.strerror})") from error
        if os.fstat(file.fileno()).st_size != found.size_bytes:
            file.close()
            raise NoCopy(asset_id, "its file in the vault has another length")
        return file

    def _check(self, sha256: str) -> VaultState:
        digest = hashlib.sha256()
        try:
            with self._path(sha256).open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    digest.update(piece)
            state = VaultState.WHOLE if digest.hexdigest() == sha256 else VaultState.CORRUPT
        except FileNotFoundError:
            state = VaultState.MISSING
        except OSError:
            # A disk that cannot be read says nothing of the bytes for sure, but nobody may rely on them.
            state = VaultState.CORRUPT
        if state is not VaultState.WHOLE:
            log.error("vault_file_damaged", sha256=sha256, state=state.value)
        self._write("vault/040_mark_object", sha256=sha256, state=state.value)
        return state

    def _path(self, sha256: str) -> Path:
        return self._directory / sha256[:2] / sha256[2:4] / sha256

    # Upkeep

    def fill(self, client: CloudinaryClient, *, limit_bytes: int | None, progress: Progress) -> FillResult:
        """Fetch the originals of live assets that the vault does not have, in order; going on is calling it again.

        Args:
            limit_bytes: an asset that would exceed it ends the work; None for no limit.

        Raises:
            RateLimited: as ``secure``.
        """
        self._sweep()
        kept_count = kept_bytes = failed_count = planned_bytes = 0
        failures: list[tuple[AssetId, str, str]] = []
        is_complete, after_id = True, ""
        while is_complete and (rows := self._missing(after_id)):
            after_id = rows[-1].asset_id
            batch: list[Original] = []
            for row in rows:
                if limit_bytes is not None and planned_bytes + row.size_bytes > limit_bytes:
                    is_complete = False
                    break
                planned_bytes += row.size_bytes
                batch.append(Original(**{**row._mapping, "asset_id": AssetId(row.asset_id)}))
            copies = self.secure(client, batch).copies if batch else {}
            failed_before = failed_count
            for original in batch:
                copy = copies[original.asset_id]
                if isinstance(copy, StoredFile):
                    kept_count += 1
                    kept_bytes += copy.size_bytes
                else:
                    failed_count += 1
                    failures.append((original.asset_id, original.public_id, copy.reason))
            progress.advance("vault", done=len(batch), failed=failed_count - failed_before)
        return FillResult(kept_count, kept_bytes, failed_count, tuple(failures[:_NAMED]), is_complete)

    def _missing(self, after_id: str) -> Sequence[Row[Any]]:
        with read_only(self._engine) as connection:
            return statements.run(connection, "vault/060_list_missing", after_id=after_id, row_limit=IDS_PER_CALL).all()

    def _sweep(self) -> None:
        """Remove what processes left behind that died while they wrote."""
        with suppress(OSError):
            for left in (self._directory / "arriving").iterdir():
                if time.time() - left.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                    left.unlink(missing_ok=True)

    def verify(self, *, progress: Progress) -> VerifyResult:
        """Read every file again and name those that are not what they were."""
        file_count = file_bytes = 0
        damaged: list[Damaged] = []
        after = ""
        while rows := self._objects(after):
            for row in rows:
                state = self._check(row.sha256)
                file_count += 1
                file_bytes += row.size_bytes
                if state is not VaultState.WHOLE:
                    damaged.append(Damaged(row.sha256, state, self._users(row.sha256)))
                progress.advance("verify", done=1)
            after = rows[-1].sha256
        return VerifyResult(file_count, file_bytes, tuple(damaged))

    def _objects(self, after: str) -> Sequence[Row[Any]]:
        with read_only(self._engine) as connection:
            return statements.run(
                connection, "vault/050_list_objects", after_sha256=after, row_limit=IDS_PER_CALL
            ).all()

    def _users(self, sha256: str) -> tuple[str, ...]:
        with read_only(self._engine) as connection:
            rows = statements.run(connection, "vault/055_list_users", sha256=sha256)
            return tuple(row.public_id or row.asset_id for row in rows)

    def status(self) -> VaultStatus:
        """Shares and sizes; asks the database alone."""
        with read_only(self._engine) as connection:
            return VaultStatus(**statements.run(connection, "vault/070_read_status").mappings().one())


def _etags(client: CloudinaryClient, asset_ids: Sequence[AssetId]) -> dict[AssetId, payloads.Etag]:
    """MD5 of each asset that Cloudinary tells; what is missing here is not known."""
    found: dict[AssetId, payloads.Etag] = {}
    answer = client.read_etags(asset_ids, purpose=CallPurpose.PUSH)
    page = payloads.split_page(answer.body, call="read_etags", request_id=answer.request_id)
    for raw in [item.raw for item in page.items]:
        with suppress(payloads.BadItem):
            etag = payloads.etag_of(raw)
            if etag.etag is None:
                etag = payloads.etag_of(
                    client.read_asset(AssetId(etag.asset_id), with_etag=True, purpose=CallPurpose.PUSH).body
                )
            found[AssetId(etag.asset_id)] = etag
    return found


def _difference(content: StoredFile, size_bytes: int, etag: str) -> str:
    """What is wrong with bytes that came; empty where nothing is."""
    if content.size_bytes != size_bytes:
        return f"{content.size_bytes} bytes came, the asset has {size_bytes}"
    return "" if content.md5 == etag else f"the MD5 of what came is {content.md5}, that of the asset {etag}"


@contextmanager
def _writing() -> Iterator[None]:
    """Trouble with the disk is told apart from trouble with the network."""
    try:
        yield
    except OSError as error:
        raise VaultUnwritable(error.strerror or str(error)) from error


def _force(directory: Path) -> None:
    """Force the entries of a directory to disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
