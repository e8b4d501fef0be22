"""Dagster's own tables in our database, for every Dagster process however it was started.

Belongs here: the class that ``dagster.yaml`` names.
Not here: where those tables are (``orchestration.instance``).

Dagster's ``env:`` has no default, so with its own class ``dagster dev`` and ``dagster definitions validate`` would ask
for a variable before they do anything. Here the settings decide, as for every other part.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from typing import Any

from dagster._config.config_schema import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from media_pipeline import settings as settings_module
from media_pipeline.db import embedded
from media_pipeline.orchestration.instance import storage_url


class SettingsStorage(DagsterPostgresStorage):
    """Dagster's Postgres storage at the place that the settings name."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing to configure here."""
        return {}

    @classmethod
    def from_config_value(
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003 -- Dagster passes it by name
    ) -> SettingsStorage:
        """Open it.

        Raises:
            ConfigurationError: naming every wrong variable.
            DatabaseUnreachable, EmbeddedServerError: there is no database.
        """
        return cls(_url(), inst_data=inst_data)


@cache
def _url() -> str:
    """Where Dagster's tables are; an embedded server runs as long as this process.

    Dagster takes the storage apart and drops the object that was made from it, so nothing shorter would do.
    """
    settings = settings_module.load()
    with ExitStack() as stack:
        url = storage_url(settings, stack.enter_context(embedded.database(settings)))
        atexit.register(stack.pop_all().close)
        return url
