"""Dagster's page as an operator meets it: the lineage by groups, and the report with its checks."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from media_pipeline.cli.up import dagster_address
from media_pipeline.quality import Suite
from media_pipeline_tests.browser.conftest import Watched
from media_pipeline_tests.cli.conftest import Call, place, run, start
from media_pipeline_tests.cli.test_up import HOME, Up

__all__ = ["place", "run", "start"]

pytestmark = pytest.mark.browser

GROUPS = ("cloudinary", "diff", "intake", "listing", "mirror", "push", "quality", "reports", "upkeep")


def test_the_lineage_and_the_quality_report_are_found(
    start: Callable[..., subprocess.Popen[str]], run: Call, place: Path, watched: Watched
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    up = Up(start("up", dagster_port=port), place / HOME, port)
    address = dagster_address(up.home)
    served = next(line.split()[1] for line in up.said if line.strip().startswith("Reports"))
    assert run("sync", "--full").code == 0
    made = run("quality", reports_url=served)
    assert made.code == 0, made.out

    watched.page.goto(f"{address}/asset-groups")
    for group in GROUPS:
        watched.page.get_by_text(group, exact=True).first.wait_for()
    watched.page.goto(f"{address}/assets/quality_report?view=checks")
    for suite in Suite:
        watched.page.get_by_text(suite.value, exact=True).first.wait_for()
    watched.page.get_by_text("Succeeded").nth(len(Suite) - 1).wait_for()
    assert watched.page.get_by_text("Succeeded").count() == len(Suite)
    watched.page.goto(watched.page.locator(f"a[href^='{served}/quality/']").first.get_attribute("href") or "")

    assert watched.page.locator(".verdict.good").inner_text() == "All 46 expectations are met."
    assert {one.split("/")[2].split(":")[0] for one in watched.asked if "://" in one} == {"127.0.0.1"}
