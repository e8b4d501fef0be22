"""A report as files: a page, a workbook for spreadsheets, a CSV file a table; and the directory of all reports.

Belongs here: the form of these files, that they appear whole or not at all, removing old ones.
Not here: what a report says (the rooms that make it), drawing (``reports.plots``), serving (``reports.site``).

    <reports>/<name>/20261130T041502.117Z-run12/    index.html, <name>.xlsx, <table>.csv, report.json
    <reports>/<name>/latest                         link to the newest of them

A report is written under another name, forced to disk and then renamed, and the link is replaced in one step: whoever
looks sees the former one or the new one. ``report.json`` names what was written; nothing else is ever removed.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote
from uuid import UUID

import msgspec

from media_pipeline.errors import ReportUnwritable
from media_pipeline.settings import Settings

if TYPE_CHECKING:
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from pandas import DataFrame

SHEET_ROWS: Final = 1_048_576
"""Rows that a sheet can hold, its heading included."""
PAGE: Final = "index.html"
LATEST: Final = "latest"
MANIFEST: Final = "report.json"

_PREVIEW_ROWS: Final = 200
_CELL_CHARACTERS: Final = 32_767
_EXACT_INTEGER: Final = 2**53
_LEFT_BEHIND_SECONDS: Final = 86_400
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,30}")
_DIRECTORY: Final = re.compile(r"\d{8}T\d{6}\.\d{3}Z-run\d+")
_NEW: Final = ".new-"
_STARTS_A_FORMULA: Final = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
"""As OWASP's page about CSV injection lists them, and their full-width forms."""
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What no sheet takes and nobody can read."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a report.

    Attributes:
        name: of its CSV file and its sheet: small letters, digits and ``_``, at most 31.
        rows: read once, row by row, so they may come straight from the database.
        empty: what is said where there is no row.
        note: what a reader has to know beside the rows.
        state_column: its words (met, failed, unknown) are shown in their colours.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]
    empty: str
    note: str = ""
    state_column: str | None = None

    @classmethod
    def of_frame(cls, name: str, title: str, frame: DataFrame, *, empty: str, note: str = "") -> Self:
        """A table of pandas; what is missing there is an empty cell."""
        known = frame.astype(object).where(frame.notna(), None)
        return cls(name, title, [str(one) for one in frame.columns], known.itertuples(index=False), empty, note)


class Verdict(StrEnum):
    """How what a report tells stands, for who only glances at it."""

    GOOD = "good"
    DOUBTFUL = "doubtful"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that lies beside a report to be downloaded; ``name`` is as that of a table, with an ending."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of a report: ``svg`` as ``reports.plots`` draws it, ``alt`` what it shows, for who cannot see it."""

    svg: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says.

    Attributes:
        name: of its directory: small letters, digits and ``_``.
        lead: one or two sentences: what this is and how it stands.
        figures: a few numbers that stand above everything else, by what they count.
        keep_days: for which reports of this name are kept; None means the setting ``retention_days``.
    """

    name: str
    title: str
    lead: str
    figures: Mapping[str, object] = field(default_factory=dict)
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()
    attachments: Sequence[Attachment] = ()
    verdict: Verdict | None = None
    keep_days: int | None = None


class Written(msgspec.Struct, frozen=True):
    """A report that lies on disk, as its ``report.json`` tells.

    Attributes:
        directory: below the directory of all reports, such as ``duplicates/20261130T041502.117Z-run12``.
        files: names in that directory.
        row_counts: rows of each table.
    """

    name: str
    title: str
    lead: str
    made_at: datetime
    run_id: int
    directory: str
    files: tuple[str, ...]
    row_counts: dict[str, int]

    def path(self, settings: Settings) -> Path:
        """Where its page is."""
        return settings.reports.resolve() / self.directory / PAGE

    @property
    def row_count(self) -> int:
        """Rows of all tables."""
        return sum(self.row_counts.values())


@dataclass(slots=True)
class _Shown:
    """What the page shows of a table."""

    table: Table
    rows: list[list[str]] = field(default_factory=list)
    row_count: int = 0
    is_cut: bool = False
    """Whether its sheet is full; the CSV file has all rows."""
    numbers: set[int] = field(default_factory=set)


def write(
    report: Report, settings: Settings, *, run_id: int, now: datetime | None = None, sheet_rows: int = SHEET_ROWS
) -> Written:
    """Write *report* with all its files, and remove those of its name that are too old.

    Memory: a preview of each table; rows go to the files as they are read.

    Args:
        now: moment of the report; by default this one.
        sheet_rows: rows of a sheet; more than Excel takes would make a file that it refuses.

    Raises:
        ReportUnwritable: the disk is full, or not ours to write. The former report stays.
        ValueError: a name cannot be that of a file.
    """
    attached = (one.name.partition(".")[0] for one in report.attachments)
    for name in (report.name, *(table.name for table in report.tables), *attached):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a report or a table")
    made_at = (now or datetime.now(UTC)).astimezone(UTC)
    stamp = made_at.strftime("%Y%m%dT%H%M%S.") + f"{made_at.microsecond // 1000:03d}Z-run{run_id}"
    home = settings.reports / report.name
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _appearing(home, stamp) as directory:
            shown = _write_tables(report, directory, made_at, sheet_rows)
            for one in report.attachments:
                (directory / one.name).write_bytes(one.content)
            files = [PAGE, *([f"{report.name}.xlsx"] if shown else []), *(f"{one.table.name}.csv" for one in shown)]
            files += [one.name for one in report.attachments]
            written = Written(
                report.name,
                report.title,
                report.lead,
                made_at,
                run_id,
                f"{report.name}/{stamp}",
                tuple(files),
                {one.table.name: one.row_count for one in shown},
            )
            (directory / PAGE).write_text(_page(report, shown, written), encoding="utf-8")
            (directory / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(written), indent=2) + b"\n")
        _point_to(home, stamp)
        _remove_old(home, made_at - timedelta(days=report.keep_days or settings.retention_days))
    except OSError as error:
        raise ReportUnwritable(str(settings.reports), error.strerror or str(error)) from error
    return written


def list_written(settings: Settings, name: str | None = None) -> list[Written]:
    """Every report that lies there, the newest first; only those called *name* where that is given."""
    found = []
    for manifest in settings.reports.glob(f"{'*' if name is None else name}/*/{MANIFEST}"):
        directory = manifest.parent
        if _DIRECTORY.fullmatch(directory.name) and not directory.is_symlink():
            one = _manifest(directory)
            if one is not None:
                found.append(one)
    return sorted(found, key=lambda one: (one.made_at, one.run_id, one.name), reverse=True)


def address_of(settings: Settings, path: Path) -> str | None:
    """Where *path*, which lies in the directory of reports, is served; None where nothing serves it."""
    if settings.reports_url is None:
        return None
    below = path.resolve().relative_to(settings.reports.resolve())
    return f"{settings.reports_url}/{quote(below.as_posix().removesuffix(PAGE))}"


# A page may load nothing but the style and the pictures that it carries itself.


def content_security_policy(*styles: str) -> str:
    """The rule under which a page with these inline *styles* is shown: no script, no address of anybody."""
    digests = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode("ascii") for one in styles]
    allowed = " ".join(f"'sha256-{one}'" for one in digests) or "'none'"
    return f"default-src 'none'; style-src {allowed}; img-src data:"


def render(template: str, **values: Any) -> str:
    """A page made from one of ``reports/templates``; whatever is put into it is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("media_pipeline.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values, style=style(), policy=content_security_policy(style()))


def style() -> str:
    """The style of every page, with nothing around it: its hash is part of the rule."""
    return Path(__file__).with_name("templates").joinpath("page.css").read_text(encoding="utf-8")


def _page(report: Report, shown: Sequence[_Shown], written: Written) -> str:
    from media_pipeline.reports.plots import svg_data_uri

    plots = [(svg_data_uri(one.svg), one.alt) for one in report.plots]
    figures = {name: _in_words(value) for name, value in report.figures.items()}
    return render(
        "report.html", title=report.title, report=report, shown=shown, written=written, plots=plots, figures=figures
    )


# Tables


def _write_tables(report: Report, directory: Path, made_at: datetime, sheet_rows: int) -> list[_Shown]:
    if not report.tables:
        return []
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    try:
        shown = [_write_table(table, directory, book, sheet_rows) for table in report.tables]
        _write_about(report, shown, book, made_at, sheet_rows)
        book.save(directory / f"{report.name}.xlsx")
    except BaseException:
        # Each sheet holds a file open until it is closed.
        for sheet in book.worksheets:
            sheet.close()
        raise
    return shown


def _write_about(report: Report, shown: Sequence[_Shown], book: Workbook, made_at: datetime, sheet_rows: int) -> None:
    about = book.create_sheet("about", 0)
    about.column_dimensions["A"].width, about.column_dimensions["B"].width = 24, 100
    lines = [("report", report.title), ("made at", made_at), ("", report.lead), *report.figures.items()]
    for one in shown:
        lines.append((one.table.name, f"{one.row_count:,} rows" if one.row_count else one.table.empty))
        if one.is_cut:
            more = one.row_count - sheet_rows + 1
            lines.append(("", f"This sheet is full: {more:,} more rows are in {one.table.name}.csv alone."))
        if one.table.note:
            lines.append(("", one.table.note))
    for line in lines:
        about.append([_sheet_cell(about, cell) for cell in line])


def _write_table(table: Table, directory: Path, book: Workbook, sheet_rows: int) -> _Shown:
    shown = _Shown(table)
    sheet = book.create_sheet(table.name)
    sheet.freeze_panes = "A2"
    columns = [_plain(column) for column in table.columns]
    sheet.append([_sheet_cell(sheet, column) for column in columns])
    with (
        (directory / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file,
        _closing(table.rows) as rows,
    ):
        lines = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        lines.writerow([_csv_cell(column) for column in columns])
        for row in rows:
            cells = [_plain(cell) for cell in row]
            if len(cells) != len(columns):
                raise ValueError(f"a row of {table.name} has {len(cells)} cells, not {len(columns)}")
            lines.writerow([_csv_cell(cell) for cell in cells])
            shown.row_count += 1
            if shown.row_count < sheet_rows:
                sheet.append([_sheet_cell(sheet, cell) for cell in cells])
            if shown.row_count <= _PREVIEW_ROWS:
                shown.rows.append([_in_words(cell) for cell in cells])
                shown.numbers.update(
                    place for place, cell in enumerate(cells) if isinstance(cell, int | float | Decimal)
                )
    shown.is_cut = shown.row_count >= sheet_rows
    return shown


@contextmanager
def _closing(rows: Iterable[Sequence[object]]) -> Iterator[Iterable[Sequence[object]]]:
    """Rows that may come from a cursor: it is given back also where the report breaks off."""
    try:
        yield rows
    finally:
        if isinstance(rows, Generator):
            rows.close()


def _plain(cell: object) -> object:
    """A cell as a number, a moment, a text or nothing; what is not finite is nothing."""
    if isinstance(cell, str):
        return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", cell)
    if isinstance(cell, float | Decimal) and not math.isfinite(cell):
        return None
    if isinstance(cell, dict | list | tuple):
        return _plain(json.dumps(cell, ensure_ascii=False, default=str))
    if isinstance(cell, UUID):
        return str(cell)
    return cell


def _csv_cell(cell: object) -> object:
    """Numbers stay numbers; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if cell is None or (isinstance(cell, int | float | Decimal) and not isinstance(cell, bool)):
        return cell
    text = _moment(cell) if isinstance(cell, datetime | date) else str(cell)
    return f"'{text}" if _STARTS_A_FORMULA.match(text) else text


def _sheet_cell(sheet: Any, cell: object) -> Any:
    """A cell of a sheet: a text is a text whatever it begins with, and stays one when somebody edits it."""
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]

    if isinstance(cell, datetime):
        return WriteOnlyCell(sheet, cell.astimezone(UTC).replace(tzinfo=None))
    if cell is None or isinstance(cell, bool | float | Decimal | date):
        return cell
    if isinstance(cell, int) and abs(cell) <= _EXACT_INTEGER:
        return cell
    text = str(cell)
    if len(text) > _CELL_CHARACTERS:
        text = text[: _CELL_CHARACTERS - 1] + "…"
    made = WriteOnlyCell(sheet, text)
    if made.data_type != "s":
        # A beginning such as '=' or '#N/A' made something else of it.
        made.data_type = "s"
        made.quotePrefix = True
    return made


def _in_words(cell: object) -> str:
    """A cell as people read it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float | Decimal):
        return f"{cell:,.2f}"
    return _moment(cell) if isinstance(cell, datetime | date) else str(cell)


def _moment(moment: datetime | date) -> str:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat(sep=" ", timespec="seconds")
    return moment.isoformat()


# Files


@contextmanager
def _appearing(home: Path, name: str) -> Iterator[Path]:
    """A directory that is there under *name*, whole and on disk, once the block ends well; else not at all."""
    made = home / f"{_NEW}{secrets.token_hex(8)}"
    made.mkdir()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, made, ignore_errors=True)
        yield made
        for path in (*made.iterdir(), made):
            _force(path)
        made.rename(home / name)
        _force(home)
        stack.pop_all()


def _point_to(home: Path, name: str) -> None:
    link = home / f"{_NEW}{secrets.token_hex(8)}"
    link.symlink_to(name, target_is_directory=True)
    try:
        link.replace(home / LATEST)
    except OSError:
        link.unlink(missing_ok=True)
        raise
    _force(home)


def _force(path: Path) -> None:
    """See that *path*, a file or a directory, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_old(home: Path, oldest: datetime) -> None:
    """Remove reports from before *oldest*, but never the newest one, and what a crash left behind."""
    newest = (home / LATEST).resolve()
    for directory in home.iterdir():
        if directory.is_symlink() or not directory.is_dir() or directory == newest or directory.resolve() == newest:
            continue
        if directory.name.startswith(_NEW):
            with suppress(FileNotFoundError):
                if time.time() - directory.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                    shutil.rmtree(directory, ignore_errors=True)
        elif _DIRECTORY.fullmatch(directory.name):
            written = _manifest(directory)
            if written is not None and written.made_at < oldest:
                _remove(directory, written)


def _remove(directory: Path, written: Written) -> None:
    for name in (*written.files, MANIFEST):
        (directory / name).unlink(missing_ok=True)
    with suppress(OSError):
        # Somebody put a file of their own into it.
        directory.rmdir()


def _manifest(directory: Path) -> Written | None:
    """What ``report.json`` says; None where there is none that we wrote about this directory."""
    try:
        found = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Written)
    except (OSError, msgspec.DecodeError):
        return None
    is_ours = found.directory == f"{directory.parent.name}/{directory.name}"
    return found if is_ours and all(Path(name).name == name for name in found.files) else None
