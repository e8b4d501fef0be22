"""The forms of sizes, times and names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from media_pipeline.cli import screen


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (15_375_836, "15.4 MB"), (2 * 10**15, "2000.0 TB")],
)
def test_sizes(size_bytes: int, text: str) -> None:
    assert screen.size(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (7200, "2 hours ago"),
        (86400 * 3, "3 days ago"),
    ],
)
def test_times(seconds: int, text: str) -> None:
    now = datetime(2024, 6, 1, tzinfo=UTC)
    assert screen.ago(now - timedelta(seconds=seconds), now) == text


def test_a_few_names_say_how_many_more_there_are() -> None:
    assert screen.names(["a", "b"], 2) == "a, b"
    assert screen.names(["a", "b"], 1002) == "a, b, … 1,000 more"
    assert screen.names(["x" * 200], 1) == "x" * 60 + "…"


def test_brackets_in_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table = screen.rows("Name")
    screen.add_row(table, "[bold]shoes[/bold] [2024]")
    screen.out().print(table)
    assert "[bold]shoes[/bold] [2024]" in capsys.readouterr().out
