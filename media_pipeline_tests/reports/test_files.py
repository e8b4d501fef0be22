"""Reports as files: whole or not at all, harmless in a spreadsheet and in a browser, and never too many."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pandas as pd
import pytest

from media_pipeline.errors import ReportUnwritable
from media_pipeline.reports import plots
from media_pipeline.reports.files import LATEST, MANIFEST, PAGE, Plot, Report, Table, address_of, list_written, write
from media_pipeline.settings import Settings, load

NOW = datetime(2026, 11, 30, 4, 15, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(home=tmp_path / "home", retention_days=30)


def table(rows: Any, columns: Sequence[str] = ("cell",), name: str = "cells") -> Table:
    return Table(name, "Cells", columns, rows, "No cells: nothing to see.")


def written(settings: Settings, *tables: Table, at: datetime = NOW, run_id: int = 1, **options: Any) -> Path:
    """Where a report with these tables lies."""
    report = Report("sample", "A sample", "It is one.", tables=tables)
    return write(report, settings, run_id=run_id, now=at, **options).path(settings).parent


def csv_of(directory: Path, name: str = "cells") -> list[list[str]]:
    with (directory / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def sheet_of(directory: Path, name: str = "cells") -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(directory / "sample.xlsx")
    return [tuple(cell.value for cell in row) for row in book[name].iter_rows()]


FORMULAS = [
    *("=1+1", "+1", "-1", "@sum(1)", "\t=1", "\r=1", "\n=1", " =1", "\u3000=1"),
    *("＝1", "＋1", "－1", "＠sum(1)"),  # full width
    *("=cmd|' /C calc'!A0", '=HYPERLINK("https://example.com","x")', "-2+3+cmd|' /C calc'!A0", '@x";=1'),
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run_is_a_text(settings: Settings, text: str) -> None:
    directory = written(settings, table([[text]], columns=[text]))

    # An apostrophe before it, as OWASP advises; the reader of CSV keeps a line break that is quoted.
    assert csv_of(directory) == [[f"'{text}"], [f"'{text}"]]
    book = openpyxl.load_workbook(directory / "sample.xlsx")
    cells = [cell for row in book["cells"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert [str(cell.value).replace("\r", "\n") for cell in cells] == [text.replace("\r", "\n")] * 2
    assert all(cell.quotePrefix for cell in cells if text.startswith("="))


@pytest.mark.parametrize(
    "text", ["plain", "a=b", "a-1", "1-1", "a@example.com", "", "'quoted", "日本語 🏮", 'a "b", c']
)
def test_a_harmless_text_stays_what_it_is(settings: Settings, text: str) -> None:
    directory = written(settings, table([[text]]))

    assert csv_of(directory)[1] == [text]
    assert sheet_of(directory)[1] == (text or None,)


@pytest.mark.parametrize(
    ("value", "in_csv", "in_sheet"),
    [
        (-5, "-5", -5),
        (2**60, str(2**60), str(2**60)),  # a spreadsheet would round it
        (-1.5, "-1.5", -1.5),
        (Decimal("-0.10"), "-0.10", -0.1),
        (float("nan"), "", None),
        (float("inf"), "", None),
        (Decimal("NaN"), "", None),
        (None, "", None),
        (True, "True", True),
        (datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2))), "2026-01-02 01:04:00+00:00", None),
        ({"a": ["é"]}, '{"a": ["é"]}', '{"a": ["é"]}'),
        (["=1"], '["=1"]', '["=1"]'),
    ],
)
def test_a_number_stays_a_number_and_a_moment_is_of_utc(
    settings: Settings, value: object, in_csv: str, in_sheet: object
) -> None:
    directory = written(settings, table([["x", value]], columns=("name", "cell")))

    assert csv_of(directory)[1] == ["x", in_csv]
    shown = datetime(2026, 1, 2, 1, 4) if isinstance(value, datetime) else in_sheet  # noqa: DTZ001
    assert sheet_of(directory)[1] == ("x", shown)


def test_what_no_sheet_takes_is_replaced_and_what_is_too_long_is_cut_in_the_sheet_alone(settings: Settings) -> None:
    directory = written(settings, table([["a\x00b\x0bc\x1fd\ud800e\uffff"], ["x" * 40_000], ["#N/A"], ["#REF!"]]))

    assert csv_of(directory)[1] == ["a�b�c�d�e�"]
    assert len(csv_of(directory)[2][0]) == 40_000
    cells = [row[0] for row in sheet_of(directory)[1:]]
    assert cells[0] == "a�b�c�d�e�"
    assert (len(cells[1]), cells[1][-1]) == (32_767, "…")
    assert cells[2:] == ["#N/A", "#REF!"]


def test_a_table_without_rows_says_so_and_has_its_heading(settings: Settings) -> None:
    directory = written(settings, table([], columns=("a", "b")))

    assert csv_of(directory) == [["a", "b"]]
    assert sheet_of(directory) == [("a", "b")]
    assert "No cells: nothing to see." in (directory / PAGE).read_text(encoding="utf-8")
    assert ("cells", "No cells: nothing to see.") in sheet_of(directory, "about")


def test_many_rows_go_through_one_by_one_and_the_page_shows_the_first(settings: Settings) -> None:
    alive = most_alive = 0

    class Cell(str):
        def __init__(self, _: str) -> None:
            nonlocal alive, most_alive
            alive += 1
            most_alive = max(most_alive, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def rows() -> Iterator[list[str]]:
        for number in range(5000):
            yield [Cell(f"row {number}")]

    directory = written(settings, table(rows()))

    assert most_alive < 300
    assert len(csv_of(directory)) == len(sheet_of(directory)) == 5001
    page = (directory / PAGE).read_text(encoding="utf-8")
    assert ("row 199<" in page, "row 200<" in page) == (True, False)
    assert "The first 200 of 5,000 rows" in page


def test_a_sheet_that_is_full_tells_where_the_rest_is(settings: Settings) -> None:
    full = written(settings, table([[number] for number in range(9)]), sheet_rows=10)
    cut = written(settings, table([[number] for number in range(12)]), sheet_rows=10, run_id=2)

    assert (len(sheet_of(full)), len(sheet_of(cut)), len(csv_of(cut))) == (10, 10, 13)
    assert "This sheet is full" not in str(sheet_of(full, "about"))
    assert "This sheet is full: 3 more rows are in cells.csv alone." in str(sheet_of(cut, "about"))


def test_a_frame_of_pandas_is_a_table_whose_gaps_are_empty(settings: Settings) -> None:
    frame = pd.DataFrame({"n": [1, None], "at": [pd.Timestamp(NOW), pd.NaT], "text": ["=1", None]})
    directory = written(settings, Table.of_frame("cells", "Cells", frame, empty="None."))

    assert csv_of(directory) == [["n", "at", "text"], ["1.0", "2026-11-30 04:15:00+00:00", "'=1"], ["", "", ""]]


def test_the_page_escapes_everything_and_loads_nothing(settings: Settings) -> None:
    evil = '<script>alert(1)</script><img src="https://example.com/x">'
    svg = plots.bars({evil: 1}, title=evil, unit=evil)
    report = Report(
        "sample", evil, evil, {evil: evil}, (Plot(svg, evil),), (Table("cells", evil, (evil,), [[evil]], evil, evil),)
    )
    page = write(report, settings, run_id=1).path(settings).read_text(encoding="utf-8")

    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 10
    assert set(re.findall(r'(?:src|href)="([^"]{0,15})', page)) == {"data:image/svg+", "sample.xlsx", "cells.csv"}
    (rule,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert re.fullmatch(r"default-src &#39;none&#39;; style-src &#39;sha256-\S{44}&#39;; img-src data:", rule)


def test_a_row_of_another_width_and_a_name_that_is_a_path_are_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="2 cells, not 1"):
        written(settings, table([["a", "b"]]))
    for name in ("../cells", "a/b", "", "A", ".x", "a" * 32):
        with pytest.raises(ValueError, match="cannot be the name"):
            written(settings, table([], name=name))

    assert list_written(settings) == []


def test_a_report_that_breaks_off_leaves_the_former_one_and_nothing_else(settings: Settings) -> None:
    def broken() -> Iterator[list[str]]:
        yield ["a"]
        raise RuntimeError("the database went away")

    former = written(settings, table([["former"]]))
    with pytest.raises(RuntimeError, match="went away"):
        written(settings, table(broken()), run_id=2)

    home = settings.reports / "sample"
    assert sorted(path.name for path in home.iterdir()) == [former.name, LATEST]
    assert (home / LATEST).resolve() == former.resolve()


def test_the_link_leads_to_the_newest_and_the_list_begins_with_it(settings: Settings) -> None:
    first = written(settings, table([["a"], ["b"]]))
    second = written(settings, table([["c"]]), at=NOW + timedelta(days=1), run_id=2)

    assert (settings.reports / "sample" / LATEST).resolve() == second.resolve()
    listed = list_written(settings)
    assert [settings.reports / one.directory for one in listed] == [second, first]
    assert [(one.run_id, one.row_counts, one.title) for one in listed] == [
        (2, {"cells": 1}, "A sample"),
        (1, {"cells": 2}, "A sample"),
    ]


def test_old_reports_go_but_never_what_we_did_not_write_nor_the_newest(settings: Settings) -> None:
    old = written(settings, table([["old"]]), at=NOW - timedelta(days=31))
    kept = written(settings, table([["kept"]]), at=NOW - timedelta(days=29), run_id=2)
    noted = written(settings, table([["noted"]]), at=NOW - timedelta(days=32), run_id=3)
    (noted / "mine.txt").write_text("a person's own")
    outside = settings.home / "precious"
    outside.mkdir()
    (outside / MANIFEST).write_bytes((old / MANIFEST).read_bytes())
    home = settings.reports / "sample"
    (home / "20200101T000000.000Z-run9").symlink_to(outside)
    foreign = home / "20200101T000000.000Z-run8"
    foreign.mkdir()
    (foreign / MANIFEST).write_bytes((old / MANIFEST).read_bytes())
    (home / "notes").mkdir()

    newest = written(settings, table([["newest"]]), run_id=4)

    assert not old.exists()
    assert kept.exists()
    assert [path.name for path in noted.iterdir()] == ["mine.txt"]
    assert (outside / MANIFEST).exists()
    assert (foreign / MANIFEST).exists()
    assert (home / "notes").exists()
    # However old it is, the last word on a subject stays.
    assert newest.exists()


def test_the_newest_stays_however_late_the_clock_is(settings: Settings) -> None:
    directory = written(settings, table([["a"]]), at=datetime(2020, 1, 1, tzinfo=UTC))

    assert directory.exists()
    assert len(list_written(settings)) == 1


def test_a_disk_that_takes_nothing_is_told(settings: Settings) -> None:
    settings.home.mkdir()
    settings.reports.write_text("a file where the directory should be")

    with pytest.raises(ReportUnwritable, match="Reports cannot be written to"):
        written(settings, table([]))


def test_an_address_is_that_of_the_served_directory(settings: Settings) -> None:
    directory = written(settings, table([]))

    assert address_of(settings, directory / PAGE) is None
    served = settings.model_copy(update={"reports_url": "https://example.com/reports"})
    assert address_of(served, directory / PAGE) == f"https://example.com/reports/sample/{directory.name}/"
    assert (
        address_of(served, directory / "cells.csv") == f"https://example.com/reports/sample/{directory.name}/cells.csv"
    )
