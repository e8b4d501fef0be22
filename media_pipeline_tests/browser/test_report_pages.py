"""Pages of reports, looked at: without any network, and as they are served."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import Engine

from media_pipeline import quality
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.progress import Silent
from media_pipeline.quality import QualityReport
from media_pipeline.reports.site import application
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import RunId
from media_pipeline_tests.browser.conftest import Watched
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.quality.conftest import cloud, library, mirrored, quality_settings
from media_pipeline_tests.quality.faults import plant

__all__ = ["cloud", "library", "mirrored", "quality_settings"]

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(quality_settings: Settings, tmp_path: Path) -> Settings:
    return quality_settings.model_copy(update={"reports": tmp_path / "reports"})


def make(engine: Engine, cloud: Endpoints, settings: Settings) -> QualityReport:
    with engine.begin() as connection:
        run = connection.exec_driver_sql(
            "insert into ops.run (kind, actor) values ('quality', 'cli:test') returning id"
        )
        run_id = RunId(run.scalar_one())
    with ControlClient(cloud) as control, Rig(engine, cloud, control, settings).client() as client:
        return quality.make(engine, settings, lambda: client, run_id=run_id, progress=Silent())


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """Address of the site."""
    server = uvicorn.Server(uvicorn.Config(application(settings), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def test_the_quality_page_needs_no_network(
    library: Engine, cloud: Endpoints, settings: Settings, watched: Watched
) -> None:
    page = make(library, cloud, settings).written.path(settings)
    watched.page.context.set_offline(True)

    watched.page.goto(page.as_uri())

    assert watched.page.locator(".verdict.good").inner_text() == "All 46 expectations are met."
    assert watched.page.locator("h2", has_text="What is not met").is_visible()
    pictures = watched.page.locator("img").evaluate_all("all => all.map(one => one.complete && one.naturalWidth > 100)")
    assert pictures == [True, True]
    assert watched.page.locator(".verdict").evaluate("one => getComputedStyle(one).borderLeftWidth") == "6px"
    watched.require_peace()


def test_a_fault_is_seen_with_its_row_and_what_to_do(
    library: Engine, cloud: Endpoints, settings: Settings, watched: Watched
) -> None:
    plant(library, "rows_are_unaltered")
    make(library, cloud, settings)
    with served(settings) as address:
        watched.page.goto(address)
        watched.page.get_by_role("link", name="Data quality").click()

        assert watched.page.locator(".verdict.bad").inner_text() == "1 of 46 expectations failed."
        not_met = watched.page.locator("section", has=watched.page.locator("#not_met"))
        assert not_met.locator("tbody tr").count() == 1
        assert "docs/runbook.md" in not_met.inner_text()
        row = watched.page.locator("section", has=watched.page.locator("#rows"))
        assert "rows_are_unaltered" in row.inner_text()
        with watched.page.expect_download() as download:
            watched.page.get_by_role("link", name="quality.xlsx").click()
        assert Path(download.value.path()).read_bytes().startswith(b"PK")
    watched.require_peace("127.0.0.1")


def test_before_the_first_report_the_site_says_so(settings: Settings, watched: Watched) -> None:
    with served(settings) as address:
        watched.page.goto(address)

        assert "No reports yet" in watched.page.inner_text("body")
    watched.require_peace("127.0.0.1")
