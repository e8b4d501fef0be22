"""Where Dagster keeps its own state: its home directory, its schema, and the environment of its processes.

Belongs here: ``<home>/dagster``, the schema ``dagster``, the variables that Dagster's processes are started with.
Not here: starting those processes (``cli``), what ``dagster.yaml`` says and why (the file itself).

Imports no Dagster, so that a command line that only prepares stays quick.
"""

from __future__ import annotations

import tempfile
from enum import Enum
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateSchema

from media_pipeline.db.engine import DAGSTER_DRIVER, create_engine, normalize_url, transaction
from media_pipeline.errors import ConfigurationError
from media_pipeline.settings import Settings

SCHEMA: Final = "dagster"

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_FILES: Final = ("dagster.yaml", "workspace.yaml")


def prepare_home(settings: Settings, database_url: str) -> dict[str, str]:
    """Make Dagster's home directory; does nothing where it exists.

    Args:
        settings: those that Dagster's processes are to see; each that was given is passed on.
        database_url: the database of ``db.embedded.database``, which must run.

    Returns:
        What to change in the environment of every Dagster process (``settings.child_environment``).
        ``DAGSTER_HOME`` holds ``dagster.yaml`` and ``workspace.yaml``.

    Raises:
        ConfigurationError: the directory cannot be written.

    Writes: ``<home>/dagster``.
    """
    home = settings.home.resolve() / "dagster"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in _FILES:
            _copy(_deployment_file(name), home / name)
    except OSError as error:
        raise ConfigurationError(
            f"{home} cannot be written: {error.strerror}.", hint="Set MEDIA_PIPELINE_HOME to a directory of your own."
        ) from error
    return {
        **_given(settings),
        "MEDIA_PIPELINE_HOME": str(settings.home.resolve()),
        "MEDIA_PIPELINE_DATABASE_URL": database_url,
        # With an address given, a process would take the database for a foreign one.
        "MEDIA_PIPELINE_VAULT": str(settings.vault).lower(),
        "DAGSTER_HOME": str(home),
        # dagster.yaml switches it off for processes with an instance, this for all others.
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


def storage_url(settings: Settings, database_url: str) -> str:
    """Address of Dagster's tables: a database of their own, or a schema of ours, made here.

    It names the driver psycopg2, with which alone Dagster's storage works, and by ``search_path`` the schema.

    Raises:
        ConfigurationError: the address is no Postgres.
        DatabaseUnreachable: no connection.
    """
    if settings.dagster_database_url is not None:
        return normalize_url(settings.dagster_database_url.get_secret_value(), DAGSTER_DRIVER)
    engine = create_engine(database_url, pool_size=1)
    try:
        with transaction(engine, role=None) as connection:
            # 'if not exists' alone loses a race of two processes with an error.
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("media_pipeline dagster", 0))))
            connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
    finally:
        engine.dispose()
    url = make_url(normalize_url(database_url, DAGSTER_DRIVER))
    options = url.query.get("options", "")
    given = options if isinstance(options, str) else " ".join(options)
    url = url.update_query_dict({"options": f"{given} -csearch_path={SCHEMA}".strip()})
    return url.render_as_string(hide_password=False)


def _given(settings: Settings) -> dict[str, str]:
    """Every setting that differs from what a process would find by itself, under its variable."""
    found = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if value is not None:
            variable = "CLOUDINARY_URL" if name == "cloudinary_url" else f"MEDIA_PIPELINE_{name.upper()}"
            found[variable] = _as_text(value)
    return found


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ",".join(_as_text(part) for part in value)
    return str(value)


def _deployment_file(name: str) -> Path:
    """The file inside an installed wheel, or beside the package in the repository."""
    for candidate in (_PACKAGE / "_deploy" / name, _PACKAGE.parent / name):
        if candidate.is_file():
            return candidate
    raise ConfigurationError(f"{name} is missing.", hint="Install the package again; a wheel holds it.")


def _copy(source: Path, target: Path) -> None:
    """Replace *target* in one step where it differs: a process may be reading it."""
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as fresh:
        fresh.write(content)
    Path(fresh.name).replace(target)
