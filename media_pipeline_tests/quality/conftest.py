"""A mirrored library, made once and copied for each test.

Not here: databases (``media_pipeline_tests.database``), faults (``faults``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from media_pipeline import mirror
from media_pipeline import settings as settings_module
from media_pipeline.db import statements
from media_pipeline.db.engine import create_engine, transaction
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings
from media_pipeline_tests.database import Postgres
from media_pipeline_tests.mirror.conftest import Rig, cloud

__all__ = ["cloud"]

ASSET_COUNT = 120


@contextmanager
def pool(url: str) -> Iterator[Engine]:
    """A pool on the database at *url*."""
    made = create_engine(url, pool_size=4, application_name="media-pipeline tests")
    try:
        yield made
    finally:
        made.dispose()


@pytest.fixture(scope="session")
def quality_settings(cloud: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_module.load(
        home=tmp_path_factory.mktemp("quality"),
        CLOUDINARY_URL=cloud.cloudinary_url,
        delivery_types="upload",
        retries=0,
        quality_sample_count=20,
    )


@pytest.fixture(scope="session")
def mirrored(postgres: Postgres, cloud: Endpoints, quality_settings: Settings) -> Iterator[str]:
    """Name of a database that holds a synced library and one empty report; the cloud holds the same."""
    with postgres.database(template=postgres.template) as url:
        with ControlClient(cloud) as control, pool(url) as engine:
            control.reset()
            control.bulk(ASSET_COUNT)
            rig = Rig(engine, cloud, control, quality_settings)
            rig.sync()
            with rig.client() as client:
                mirror.refresh_folders(engine, client, progress=Silent())
                mirror.refresh_metadata_fields(engine, client)
            with transaction(engine) as connection:
                statements.run(connection, "quality/010_begin_report", run_id=None)
        yield make_url(url).database or ""


@pytest.fixture
def library(postgres: Postgres, mirrored: str) -> Iterator[Engine]:
    """A copy of it, of this test's own."""
    with postgres.database(template=mirrored) as url, pool(url) as engine:
        yield engine
