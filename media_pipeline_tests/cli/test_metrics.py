"""``media-pipeline metrics``: what Prometheus reads is what is in the database and in the spool."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import Engine

from media_pipeline.cli import metrics
from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.errors import ConfigurationError
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.configured import spool_of
from media_pipeline.settings import Settings, load
from media_pipeline.vocabulary import Channel


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return load(home=tmp_path, database_url=SecretStr(database_url), spool_reserve_bytes=0)


def figures(settings: Settings, place: Path) -> dict[str, float]:
    file = place / "media_pipeline.prom"
    metrics.command(settings, textfile=file)
    return {
        one.name.removeprefix("media_pipeline_") + "".join(f"{{{value}}}" for value in one.labels.values()): one.value
        for family in text_string_to_metric_families(file.read_text())
        for one in family.samples
    }


def test_an_empty_deployment_says_zero_and_leaves_out_what_it_does_not_know(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    found = figures(settings, tmp_path)

    assert found["assets{live}"] == found["holds"] == found["conflicts"] == 0
    assert not {name for name in found if "spool" in name or "arrival" in name or "proof" in name or "calls" in name}


def test_what_is_there_is_counted(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    spool = spool_of(settings)
    spool.prepare()
    spool.put([Notification(b"{}", datetime.now(UTC), Channel.WEBHOOK, {})])
    with transaction(engine) as connection:
        statements.run(connection, "audit/010_ensure_partitions")
        connection.exec_driver_sql(
            "insert into media_assets"
            " (asset_id, resource_type, delivery_type, public_id, applied_fingerprint, size_bytes)"
            " select lpad(to_hex(n), 32, '0'), 'image', 'upload', 'p' || n, sha256('a'), 10"
            " from generate_series(1, 3) as n"
        )
        connection.exec_driver_sql(
            "insert into ops.canary_touch (asset_id, touched_at, is_sent, applied_at)"
            " values (repeat('a', 32), now() - interval '1 minute', true, now() - interval '50 seconds')"
        )
    with engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set tags = array['x'] where public_id = 'p1'")

    found = figures(settings, tmp_path)

    assert (found["assets{live}"], found["library_bytes"], found["operations{pending}"]) == (3, 30, 1)
    assert found["spool_files"] == 1
    assert found["arrival_seconds{0.5}"] == pytest.approx(10)
    assert found["last_proof_timestamp_seconds"] == pytest.approx(datetime.now(UTC).timestamp() - 60, abs=20)


def test_a_file_that_cannot_be_written_is_said_and_the_old_one_stays(settings: Settings, engine: Engine) -> None:
    with pytest.raises(ConfigurationError):
        metrics.command(settings, textfile=Path("/proc/nothing.prom"))
