"""A report as a whole: compared with the cloud, kept, shown; and what it says where the cloud does not answer."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from media_pipeline import mirror, quality
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.errors import ActivityBusy, RemoteUnavailable
from media_pipeline.progress import Silent
from media_pipeline.quality import QualityReport, Suite, parity
from media_pipeline.reads.quality import read_quality_report
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Settings, load
from media_pipeline.vocabulary import ExpectationState, ReportId, RunId
from media_pipeline_tests.mirror.conftest import Rig


@pytest.fixture
def rig(library: Engine, cloud: Endpoints, quality_settings: Settings, tmp_path: Path) -> Iterator[Rig]:
    """The mirrored library beside its cloud, which nobody changes."""
    settings = quality_settings.model_copy(update={"reports": tmp_path / "reports", "quality_sample_count": 500})
    with ControlClient(cloud) as control:
        yield Rig(library, cloud, control, settings)


@pytest.fixture
def changing(engine: Engine, tmp_path: Path) -> Iterator[Rig]:
    """A small mirrored library with a cloud of its own, in which others work."""
    with (
        EmulatorThread(EmulatorConfig(tmp_path / "cloud", "quality-changing")) as running,
        ControlClient(running.endpoints) as control,
    ):
        control.bulk(30)
        settings = load(home=tmp_path, CLOUDINARY_URL=running.endpoints.cloudinary_url, delivery_types="upload")
        rig = Rig(engine, running.endpoints, control, settings)
        rig.sync()
        with rig.client() as client:
            mirror.refresh_folders(engine, client, progress=Silent())
            mirror.refresh_metadata_fields(engine, client)
        yield rig


def make(rig: Rig) -> QualityReport:
    with rig.client() as client:
        return quality.make(rig.engine, rig.settings, lambda: client, run_id=_run(rig.engine), progress=Silent())


def _run(engine: Engine) -> RunId:
    with engine.begin() as connection:
        made = connection.exec_driver_sql(
            "insert into ops.run (kind, actor) values ('quality', 'cli:test') returning id"
        )
        return RunId(made.scalar_one())


def not_met(report: QualityReport) -> dict[str, int | None]:
    return {
        one.expectation.name: one.unexpected_count
        for suite in report.suites
        for one in suite.results
        if one.state is not ExpectationState.MET
    }


def test_a_report_is_kept_and_shown(rig: Rig) -> None:
    report = make(rig)

    assert report.is_good
    assert not_met(report) == {}
    live = rig.query("select count(*) from media_assets where deleted_at is null")[0][0]
    assert (report.asset_count, report.sampled_count, report.slice_count) == (live, live, 3)
    kept = read_quality_report(rig.engine, report.id)
    assert kept.is_met
    assert [one.suite for one in kept.suites] == [suite.value for suite in Suite]
    assert kept.page == report.written.directory
    page = report.written.path(rig.settings).read_text(encoding="utf-8")
    assert "All 46 expectations are met." in page
    seal = rig.query("select encode(digest, 'hex') from media_sync_log_seal order by id desc limit 1")[0][0]
    assert seal in page


@pytest.mark.slow
def test_the_page_asks_nobody_for_anything(rig: Rig) -> None:
    """Neither scripts nor addresses: what it shows lies in it, and its rule forbids the rest."""
    report = make(rig)

    page = report.written.path(rig.settings).read_text(encoding="utf-8")
    assert "<script" not in page
    addresses = re.findall(r'(?:src|href|action|data)="([^"]*)"', page)
    assert [one for one in addresses if not one.startswith("data:image/svg+xml;base64,")] == [
        name for name in report.written.files if name != "index.html"
    ]
    assert re.search(r"default-src 'none'; style-src 'sha256-[^']+'; img-src data:", page.replace("&#39;", "'"))
    documents = report.written.path(rig.settings).with_name("great_expectations.zip")
    with zipfile.ZipFile(documents) as archive:
        assert len(archive.namelist()) > 10


@pytest.mark.slow
def test_the_mirror_is_compared_with_the_cloud(changing: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """One asset is gone, one changed, one was damaged here: each is told as what it is."""
    rig = changing
    monkeypatch.setattr(parity, "_PAUSES_SECONDS", (0.01,))
    pictures = rig.query(
        "select asset_id, public_id from media_assets where resource_type = 'image' and deleted_at is null order by 1"
    )
    (gone, _), (changed, _), (damaged, _) = pictures[:3]
    with rig.client() as client:
        client.delete_assets([gone])
        client.update(changed, display_name="another title")
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        for table in ("media_assets", "mirror.remote_asset"):
            connection.exec_driver_sql(
                f"update {table} set display_name = 'by hand' where asset_id = %(id)s", {"id": damaged}
            )

    report = make(rig)

    assert not_met(report) == {
        "slices_count_the_same": 1,
        "sampled_assets_exist": 1,
        "sampled_assets_are_current": 1,
        "sampled_fields_are_equal": 1,
    }
    found = {
        asset_id: (fields, in_cloud, in_mirror)
        for asset_id, fields, in_cloud, in_mirror in rig.query(
            "select asset_id, differing_fields, in_cloud, in_mirror from quality.sampled_asset"
            " where report_id = %(id)s and (differing_fields <> '{}' or not is_shown)",
            id=report.id,
        )
    }
    assert found[gone] == ([], {}, {})
    assert found[changed][0] == ["display_name"]
    assert found[changed][1] == {"display_name": "another title"}
    assert found[damaged][2] == {"display_name": "by hand"}
    states = {one.suite: one.state for one in report.suites}
    assert [suite for suite, state in states.items() if state is ExpectationState.FAILED] == [Suite.PARITY]
    page = report.written.path(rig.settings).read_text(encoding="utf-8")
    assert "by hand" in page
    assert "media-pipeline drift" in page


@pytest.mark.slow
def test_without_the_cloud_parity_is_unknown_and_the_rest_is_asked(rig: Rig) -> None:
    def connect() -> CloudinaryClient:
        raise RemoteUnavailable("No answer", call="config")

    report = quality.make(rig.engine, rig.settings, connect, run_id=_run(rig.engine), progress=Silent())

    assert not report.is_good
    assert "No answer" in (report.parity_problem or "")
    unknown = not_met(report)
    assert set(unknown) == {
        "slices_count_the_same",
        "sampled_assets_exist",
        "sampled_assets_are_current",
        "sampled_fields_are_equal",
    }
    assert set(unknown.values()) == {None}
    assert "could not be asked" in report.written.path(rig.settings).read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_asset_that_is_edited_meanwhile_is_no_difference(rig: Rig) -> None:
    """What was touched between the look here and the answer may be newer than the answer."""
    asset_id = next(iter(rig.live().values()))
    with rig.client() as client:
        real = client.read_assets

        def meanwhile(*arguments: object, **options: object) -> object:
            answer = real(*arguments, **options)  # type: ignore[arg-type]
            with rig.engine.begin() as connection:
                connection.exec_driver_sql("set local session_replication_role = replica")
                connection.exec_driver_sql("update mirror.remote_asset set display_name = 'newer'")
                connection.exec_driver_sql("update media_assets set display_name = 'newer'")
                connection.exec_driver_sql(
                    "update mirror.asset_sighting set touch = nextval('mirror.touch_seq') where asset_id <> %(id)s",
                    {"id": asset_id},
                )
            return answer

        client.read_assets = meanwhile  # type: ignore[method-assign,assignment]
        report = quality.make(rig.engine, rig.settings, lambda: client, run_id=_run(rig.engine), progress=Silent())

    assert not_met(report)["sampled_fields_are_equal"] == 1
    assert report.sampled_count == 1


def test_one_report_is_made_at_a_time(rig: Rig) -> None:
    with _being_made(rig.engine), pytest.raises(ActivityBusy):
        make(rig)


@contextmanager
def _being_made(engine: Engine) -> Iterator[None]:
    from media_pipeline.db import locks

    with locks.activity(engine, "quality", holder="the test"):
        yield


def test_a_report_that_was_never_made_cannot_be_read(library: Engine) -> None:
    with pytest.raises(LookupError, match="no quality report 4711"):
        read_quality_report(library, ReportId(4711))
