"""What runs on this machine for the length of a command: the embedded Postgres, the emulator, migrations.

Belongs here: filling the two addresses that settings may leave empty.
Not here: the servers themselves (``db.embedded``, ``cli.emulator_host``), Dagster (``cli.up``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr
from sqlalchemy import Engine

from media_pipeline.cli.emulator_host import shared_emulator
from media_pipeline.db import embedded, migrate
from media_pipeline.db.engine import create_engine
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.settings import CloudCredentials, Environment, Settings

if TYPE_CHECKING:
    from media_pipeline.remote.client import CloudinaryClient


@contextmanager
def running(settings: Settings, *, with_emulator: bool = True) -> Iterator[Settings]:
    """Start what the settings leave to us, and stop it after the block unless another process uses it.

    Args:
        with_emulator: False where the command does not ask the cloud anything.

    Yields:
        The settings with ``database_url``, and with *with_emulator* ``cloudinary_url``, filled in.

    Raises:
        EmbeddedServerError, ConfigurationError: a server cannot run here.
    """
    with ExitStack() as started:
        url = SecretStr(started.enter_context(embedded.database(settings)))
        live = started.enter_context(cloud(settings, is_needed=with_emulator))
        yield live.model_copy(update={"database_url": url})


@contextmanager
def cloud(settings: Settings, *, is_needed: bool = True) -> Iterator[Settings]:
    """Start the emulator if the settings leave the cloud to us; no database.

    Args:
        is_needed: False where the command does without the cloud, and is given the settings as they are.

    Yields:
        The settings with ``cloudinary_url`` filled in.
    """
    if settings.cloudinary_url is not None or not is_needed:
        yield settings
        return
    with shared_emulator(settings.home, port=settings.emulator_port) as endpoints:
        yield settings.model_copy(update={"cloudinary_url": SecretStr(endpoints.cloudinary_url)})


@contextmanager
def client(live: Settings) -> Iterator[CloudinaryClient]:
    """A client of the cloud that `cloud` filled in, whose calls no ledger counts."""
    from media_pipeline.remote.client import CloudinaryClient

    with CloudinaryClient(
        credentials(live),
        settings=live,
        budget=UnlimitedBudget(),
        refuse_emulator=live.environment is Environment.PRODUCTION,
    ) as opened:
        yield opened


@contextmanager
def database(live: Settings) -> Iterator[Engine]:
    """A pool on the database of settings that `running` filled in."""
    engine = create_engine(database_url(live), pool_size=live.database_pool_size)
    try:
        yield engine
    finally:
        engine.dispose()


def bring_up_to_date(
    engine: Engine, settings: Settings, *, may_migrate: bool, tell: Callable[[str], None] = lambda _: None
) -> None:
    """See that the schema is there: an embedded database is migrated, another one only if *may_migrate* says so.

    Raises:
        MigrationNeeded, MigrationDrift: the database is not what this program needs.
    """
    if settings.database_url is not None and not may_migrate:
        migrate.require_current(engine)
        return
    migrate.upgrade(engine, progress=lambda file: tell(f"Migration {file}"))


def database_url(live: Settings) -> str:
    """The address that `running` filled in."""
    return _filled_in(live.database_url)


def credentials(live: Settings) -> CloudCredentials:
    """The cloud that `running` filled in."""
    return CloudCredentials.parse(cloudinary_url(live))


def cloudinary_url(live: Settings) -> str:
    """The CLOUDINARY_URL that `running` filled in."""
    return _filled_in(live.cloudinary_url)


def has_embedded_database(home: Path) -> bool:
    """Whether an embedded database was ever made in *home*."""
    return (home / "postgres" / "PG_VERSION").is_file()


def _filled_in(value: SecretStr | None) -> str:
    if value is None:
        raise TypeError("settings that local.running did not fill in")
    return value.get_secret_value()
