"""``media-pipeline vault``: what is kept of originals, fetching what is missing, checking what is there.

Belongs here: starting, asking, the reports.
Not here: the vault itself (``vault``), when a copy is needed (``push``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from sqlalchemy import Engine

from media_pipeline.budget import Ledger
from media_pipeline.cli import local, screen, watch
from media_pipeline.db import migrate
from media_pipeline.db.engine import read_only
from media_pipeline.errors import ConfigurationError, ExitCode
from media_pipeline.ops import binding
from media_pipeline.reads.explain import find_asset
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.settings import Environment, Settings
from media_pipeline.vault import Vault


def show_status(settings: Settings, *, is_json: bool) -> ExitCode:
    """Say how much of the library is kept."""
    with _engine(settings) as engine:
        found = Vault(engine, settings.home).status()
    if is_json:
        screen.print_json(found)
        return ExitCode.OK
    tell = partial(screen.out().print, markup=False)
    share = 100 * found.kept_count / found.asset_count if found.asset_count else 0
    tell(
        f"{found.kept_count:,} of {screen.plural(found.asset_count, 'live asset')} have a copy of their present bytes "
        f"({share:.0f} %): {screen.size(found.kept_bytes)} of {screen.size(found.asset_bytes)}."
    )
    tell(
        f"The vault holds {screen.plural(found.file_count, 'file')}, {screen.size(found.file_bytes)}; "
        f"{found.damaged_count:,} damaged."
    )
    if found.oldest_check_at is not None:
        tell(f"Every file was read and found whole {screen.ago(found.oldest_check_at)} or later.")
    if not settings.vault:
        tell("Originals are not kept before deletions here: MEDIA_PIPELINE_VAULT is off.")
    return ExitCode.OK


def fill(settings: Settings, *, limit_bytes: int | None, is_json: bool) -> ExitCode:
    """Fetch the originals that are missing.

    Raises:
        WrongCloud: the database belongs to another cloud.
        RateLimited: the allowance is spent; what was fetched stays.
    """
    with local.running(settings) as live, local.database(live) as engine:
        migrate.require_current(engine)
        with (
            CloudinaryClient(
                local.credentials(live),
                settings=live,
                budget=Ledger(engine, {}),
                refuse_emulator=live.environment is Environment.PRODUCTION,
            ) as client,
            watch.progress() as progress,
        ):
            with read_only(engine) as connection:
                bound = binding.read(connection)
            binding.require(bound, identify(client))
            found = Vault(engine, live.home).fill(client, limit_bytes=limit_bytes, progress=progress)
    if is_json:
        screen.print_json(found)
    else:
        tell = partial(screen.out().print, markup=False)
        tell(f"{screen.plural(found.kept_count, 'original')} fetched, {screen.size(found.kept_bytes)}.")
        if not found.is_complete:
            tell("The limit is reached; the same command goes on from here.")
        for asset_id, public_id, reason in found.failures:
            tell(f"  not kept  {public_id} ({asset_id}): {reason}")
    return ExitCode.FAILED if found.failed_count else ExitCode.OK


def verify(settings: Settings, *, is_json: bool) -> ExitCode:
    """Read every file again."""
    with _engine(settings) as engine, watch.progress() as progress:
        found = Vault(engine, settings.home).verify(progress=progress)
    if is_json:
        screen.print_json(found)
    else:
        tell = partial(screen.out().print, markup=False)
        tell(
            f"{screen.plural(found.file_count, 'file')} read, {screen.size(found.file_bytes)}; "
            f"{len(found.damaged):,} damaged."
        )
        for one in found.damaged:
            tell(f"  {one.state.value:<8}  {one.sha256}  {', '.join(one.assets) or 'of no asset'}")
        if found.damaged:
            tell("'media-pipeline vault fill' fetches the originals of live assets anew.")
    return ExitCode.FAILED if found.damaged else ExitCode.OK


def get(settings: Settings, name: str, output: Path | None, *, is_json: bool) -> ExitCode:
    """Write the bytes of an asset to a file, from Cloudinary or else from the vault.

    Raises:
        AssetNotFound: no asset is named so, or several are.
        NoCopy: neither has them.
        ConfigurationError: the file is there already, or cannot be written.
    """
    with local.running(settings) as live, local.database(live) as engine, local.client(live) as client:
        migrate.require_current(engine)
        asset = find_asset(engine, name)
        target = output or Path(asset.public_id.rpartition("/")[2])
        if target.exists():
            raise ConfigurationError(f"{target} is there already.", hint="Name another file with --output.")
        try:
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".arriving-", delete=False) as file:
                arriving = Path(file.name)
                try:
                    source = Vault(engine, live.home).read(client, asset.asset_id, _File(file))
                except BaseException:
                    arriving.unlink()
                    raise
            arriving.replace(target)
        except OSError as error:
            raise ConfigurationError(
                f"{target} cannot be written: {error.strerror}.", hint="Name a file of your own with --output."
            ) from error
    if is_json:
        screen.print_json({"asset_id": asset.asset_id, "file": str(target), "source": source or "vault"})
    else:
        origin = "the vault; Cloudinary did not deliver it" if source is None else "Cloudinary"
        screen.out().print(f"{target}, {screen.size(target.stat().st_size)}, from {origin}.", markup=False)
    return ExitCode.OK


class _File:
    """A ``remote.calls.Sink`` that writes to a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def restart(self) -> None:
        """Forget what came."""
        self._file.seek(0)
        self._file.truncate()

    def write(self, piece: bytes) -> None:
        """Append the next piece."""
        try:
            self._file.write(piece)
        except OSError as error:
            raise ConfigurationError(
                f"The file cannot be written: {error.strerror}.", hint="Name a file of your own with --output."
            ) from error


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        yield engine
