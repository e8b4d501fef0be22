"""``reports``: what is made lies where the command says, and is found again without a database."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import Call, Deployment

ALL = {"conflicts", "duplicate_report", "library_statistics", "orphan_report"}


def test_without_reports_the_list_says_how_to_make_some(call: Call, tmp_path: Path) -> None:
    listed = call("reports", "list", home=tmp_path)

    assert listed.code == 0
    assert "media-pipeline reports make" in listed.out
    assert call("reports", "list", "--json", home=tmp_path).json == {"reports": []}
    assert list(tmp_path.iterdir()) == []


def test_all_reports_are_made_and_lie_where_the_command_says(call: Call, mirrored: Deployment) -> None:
    made = call("reports", "make", "--json", **mirrored.variables)
    pages = {one["name"]: Path(one["page"]) for one in made.json["reports"]}

    assert made.code == 0
    assert set(pages) == ALL
    assert all("</html>" in page.read_text(encoding="utf-8") for page in pages.values())
    listed = call("reports", "list", "--json", **mirrored.variables).json["reports"]
    assert {one["name"]: Path(one["page"]) for one in listed} == pages
    for page in pages.values():
        assert str(page) in call("reports", "list", **mirrored.variables).out


def test_one_report_is_made_alone(call: Call, mirrored: Deployment) -> None:
    made = call("reports", "make", "conflicts", **mirrored.variables)

    assert made.code == 0
    assert made.out.startswith("Conflicts, 20")
    assert {one["name"] for one in call("reports", "list", "--json", **mirrored.variables).json["reports"]} == {
        "conflicts"
    }
    with mirrored.engine.connect() as connection:
        (counts,) = connection.exec_driver_sql("select counts from ops.run where kind = 'reports'").scalars()
    assert set(counts) == {"conflicts", "total"}


@pytest.mark.parametrize("name", ["nothing", "../conflicts", ""])
def test_a_report_that_there_is_none_of_is_a_mistake_of_the_caller(call: Call, tmp_path: Path, name: str) -> None:
    ended = call("reports", "make", name, home=tmp_path)

    assert ended.code == ExitCode.USAGE
    assert "conflicts, duplicate_report, library_statistics, orphan_report" in " ".join(
        ended.err.replace("│", "").split()
    )
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_no_report_is_told_with_what_to_do(call: Call, mirrored: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = call("reports", "make", "conflicts", "--json", **{**mirrored.variables, "reports": tmp_path / "file"})

    assert ended.code == ExitCode.FAILED
    assert ended.json["error"]["kind"] == "ReportUnwritable"
    assert "MEDIA_PIPELINE_REPORTS" in ended.json["error"]["hint"]


def test_a_port_that_is_taken_is_told(call: Call, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = call("reports", "serve", "--port", str(taken.getsockname()[1]), home=tmp_path)

    assert ended.code == ExitCode.CONFIGURATION
    assert "MEDIA_PIPELINE_REPORTS_PORT" in ended.err
