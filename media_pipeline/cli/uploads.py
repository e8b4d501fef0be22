"""``media-pipeline upload`` and ``replace``: files of this machine on their way to the cloud.

Belongs here: options in words, what happens next.
Not here: recording (``push.uploads``), uploading (``push``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine

from media_pipeline.cli import local, screen
from media_pipeline.db import migrate
from media_pipeline.errors import EditRefused, ExitCode
from media_pipeline.push import uploads
from media_pipeline.push.uploads import Wish
from media_pipeline.reads.explain import find_asset
from media_pipeline.settings import Settings
from media_pipeline.vault import Vault
from media_pipeline.vocabulary import OperationId


@dataclass(frozen=True, slots=True)
class Recorded:
    """An upload or a replacement that waits for the next push."""

    file: str
    operation_id: OperationId
    public_id: str


def upload(settings: Settings, files: Sequence[Path], wish: Wish, *, is_json: bool) -> ExitCode:
    """Record the upload of each file.

    Raises:
        EditRefused: a value breaks a rule, or one name is given to several files; files before it are recorded.
        OSError: a file cannot be read.
    """
    if wish.public_id is not None and len(files) > 1:
        raise EditRefused("Several files cannot have one public_id.", hint="Upload them one by one, or leave it out.")
    recorded = []
    with _engine(settings) as engine:
        vault = Vault(engine, settings.home)
        for file in files:
            operation_id, public_id = uploads.upload(engine, vault, file, wish, actor=screen.actor())
            recorded.append(Recorded(str(file), operation_id, public_id))
    _tell(recorded, is_json=is_json)
    return ExitCode.OK


def replace(settings: Settings, name: str, file: Path, *, is_json: bool) -> ExitCode:
    """Record other bytes for an asset.

    Raises:
        AssetNotFound: no asset is named so, or several are.
        EditRefused: it is deleted.
        OSError: the file cannot be read.
    """
    with _engine(settings) as engine:
        asset = find_asset(engine, name)
        vault = Vault(engine, settings.home)
        operation_id = uploads.replace(engine, vault, UUID(str(asset.media_asset_id)), file, actor=screen.actor())
    _tell([Recorded(str(file), operation_id, asset.public_id)], is_json=is_json)
    return ExitCode.OK


def _tell(recorded: Sequence[Recorded], *, is_json: bool) -> None:
    if is_json:
        screen.print_json({"recorded": recorded})
        return
    console = screen.out()
    for one in recorded:
        console.print(f"  {one.file} → {one.public_id} (operation {one.operation_id})", markup=False)
    console.print("The bytes are in the vault. 'media-pipeline push' brings them to the cloud.")


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        yield engine
