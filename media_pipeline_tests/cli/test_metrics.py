"""``media-pipeline metrics``: what Prometheus reads is what is in the database and in the spool."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import Engine

from media_pipeline.cli import metrics
from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.errors import ConfigurationError
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.tally import ReceiverFigures, Tally
from media_pipeline.ops import runs
from media_pipeline.reads import metrics as read
from media_pipeline.settings import Settings, load
from media_pipeline.vocabulary import Channel, RunKind, RunState
from media_pipeline_tests.house_rules import sources


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
    assert found["arrival_seconds{50}"] == pytest.approx(10)
    assert found["last_proof_timestamp_seconds"] == pytest.approx(datetime.now(UTC).timestamp() - 60, abs=20)


def test_a_file_that_cannot_be_written_is_said_and_the_old_one_stays(settings: Settings, engine: Engine) -> None:
    with pytest.raises(ConfigurationError):
        metrics.command(settings, textfile=Path("/proc/nothing.prom"))


def test_runs_are_told_by_kind_and_state(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    total = {"total": {"api_calls": 7}}
    with runs.running(engine, RunKind.FULL_SYNC, actor="cli:tests", dagster_run_id=None) as run_id:
        runs.finish(engine, run_id, RunState.SUCCEEDED, counts=total)
    refused = {"total": {"api_calls": 1, "failure": "RemoteRejectedKey"}}
    with runs.running(engine, RunKind.FULL_SYNC, actor="cli:tests", dagster_run_id=None) as run_id:
        runs.finish(engine, run_id, RunState.FAILED, counts=refused, error="The key is refused.")
    with runs.running(engine, RunKind.PUSH, actor="cli:tests", dagster_run_id=None):
        found = figures(settings, tmp_path)

    assert found["run_api_calls{full_sync}{succeeded}"] == 7
    assert found["run_failing{RemoteRejectedKey}{full_sync}"] == 1
    assert found["run_last_success_timestamp_seconds{full_sync}"] == pytest.approx(time.time(), abs=30)
    assert found["run_started_timestamp_seconds{push}{running}"] == pytest.approx(time.time(), abs=30)
    assert 0 <= found["run_duration_seconds{full_sync}{failed}"] < 30
    assert not {"run_duration_seconds{push}{running}", "run_last_success_timestamp_seconds{push}"} & found.keys()

    with runs.running(engine, RunKind.FULL_SYNC, actor="cli:tests", dagster_run_id=None) as run_id:
        runs.finish(engine, run_id, RunState.HELD)
    assert not any(name.startswith("run_failing") for name in figures(settings, tmp_path))


def test_what_waits_is_told_with_its_age(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as connection:
        statements.run(connection, "audit/010_ensure_partitions")
        connection.exec_driver_sql(
            "insert into ops.hold (kind, reason, asset_count, total_count, ids_digest, opened_at)"
            " values ('deletions', 'too many', 3, 3, sha256('a'), '2026-01-02 00:00+00')"
        )
        connection.exec_driver_sql("select mirror.hint(array[repeat('a', 32)], 'notification')")
        connection.exec_driver_sql(
            "insert into media_sync_log (action, cause, actor, digest)"
            " values ('cloud_bound', 'sync', 'tests', sha256('a'))"
        )
        connection.exec_driver_sql(
            "insert into landing.listing_run (resource_type, delivery_type, scope, touch_low, state, finished_at)"
            " values ('image', 'upload', '{}', 1, 'complete', '2026-01-03 00:00+00')"
        )

    found = figures(settings, tmp_path)

    assert (found["holds"], found["plans_held"], found["log_entries_unsealed"]) == (1, 0, 1)
    assert found["held_oldest_timestamp_seconds"] == datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    assert found["assets_to_read_oldest_timestamp_seconds"] == pytest.approx(time.time(), abs=30)
    assert found["listing_complete_timestamp_seconds{upload}{image}"] == datetime(2026, 1, 3, tzinfo=UTC).timestamp()
    assert "seal_timestamp_seconds" not in found
    assert "vault_covered_share" not in found


def test_a_vault_is_told_of_where_there_is_one(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "insert into ops.vault_object (sha256, md5, size_bytes, state)"
            " select encode(sha256(name::bytea), 'hex'), md5(name), size_bytes, state"
            " from (values ('a', 5, 'whole'), ('b', 6, 'corrupt')) as one (name, size_bytes, state)"
        )

    found = figures(settings.model_copy(update={"vault": True}), tmp_path)

    assert (found["vault_covered_share"], found["vault_bytes"], found["vault_damaged_files"]) == (1, 5, 1)


def test_the_file_is_left_at_most_every_half_minute_unless_it_is_urgent(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "left.prom"

    def left(*, age_seconds: float, is_urgent: bool = False) -> bool:
        file.write_text("before")
        os.utime(file, (0, time.time() - age_seconds))
        read.leave(engine, settings, file, is_urgent=is_urgent)
        return file.read_text() != "before"

    assert [left(age_seconds=60), left(age_seconds=1), left(age_seconds=1, is_urgent=True)] == [True, False, True]
    # A clock that was set back must not keep it from being left.
    assert left(age_seconds=-3600)
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def families(settings: Settings, engine: Engine) -> dict[str, list[Metric]]:
    """Everything that we tell, by who tells it, as Prometheus reads it."""
    spool = spool_of(settings)
    spool.prepare()
    return {
        "The receiver": list(ReceiverFigures(Tally(), spool).collect()),
        "Runs": list(read.Figures(read.look(engine, settings)).collect()),
    }


def test_names_follow_the_conventions_of_prometheus(settings: Settings, engine: Engine) -> None:
    for told in families(settings, engine).values():
        names = [one.name for one in told]
        assert len(names) == len(set(names))
        for one in told:
            assert re.fullmatch(r"media_pipeline_[a-z]+(_[a-z]+)*", one.name)
            assert re.fullmatch(r"\S.*\.", one.documentation)
            # What the parser gives back: a counter without its ending, which alone ends so.
            assert not re.search(r"_(total|count|sum|bucket|info|gauge|counter|histogram)$", one.name)
            # Base units, at the end; a moment is a number of seconds.
            assert not re.search(r"_(milli|micro|minutes|hours|days|kilo|mega|ms|percent|ratio)", one.name)
            for unit in ("seconds", "bytes", "share"):
                assert unit not in one.name.split("_")[:-1]
            assert "timestamp" not in one.name or one.name.endswith("_timestamp_seconds")
            assert not {"quantile", "job", "instance", "node"} & {
                label for sample in one.samples for label in sample.labels
            }
            assert one.type == "histogram" or "le" not in {label for sample in one.samples for label in sample.labels}


def test_the_command_prints_what_a_run_leaves(
    settings: Settings, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "left.prom"
    read.leave(engine, settings, file, is_urgent=True)
    metrics.command(settings, textfile=None)
    now = re.compile(r"^media_pipeline_figures_timestamp_seconds .*$", re.MULTILINE)

    printed = capsys.readouterr().out
    assert now.sub("", printed) == now.sub("", file.read_text())
    assert len(printed.splitlines()) > 60


def test_the_page_lists_every_figure(settings: Settings, engine: Engine) -> None:
    page = (sources.ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for heading, told in families(settings, engine).items():
        section = page[page.index(f"\n## {heading}") :].partition("\n## ")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| `(media_pipeline_\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$", section, re.MULTILINE)
        expected = [
            (
                f"{one.name}_total" if one.type == "counter" else one.name,
                one.type,
                ", ".join(f"`{label}`" for label in one._labelnames),  # type: ignore[attr-defined]
                one.documentation,
            )
            for one in told
        ]

        assert rows == expected


def test_alerts_ask_for_figures_that_exist_and_say_what_to_do(settings: Settings, engine: Engine) -> None:
    known = {one.name for told in families(settings, engine).values() for one in told}
    known |= {f"{name}{ending}" for name in known for ending in ("_total", "_bucket", "_count", "_sum")}
    rules = yaml.safe_load((sources.ROOT / "docs" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]

    assert len({rule["alert"] for rule in rules}) == len(rules) >= 10
    for rule in rules:
        asked = set(re.findall(r"\bmedia_pipeline_\w+", rule["expr"]))
        assert asked <= known
        assert asked
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "do"}
