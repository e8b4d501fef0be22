"""One report: everything asked, its results kept, its page written.

Belongs here: the order of the work, results in Postgres, what the page says.
Not here: the form of a page (``reports``), asking (``quality.validate``, ``quality.parity``).
Tables: writes quality.report, quality.result, quality.log_problem.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, Row

from media_pipeline import audit
from media_pipeline.db import locks, statements
from media_pipeline.db.engine import ENGINE_ROLE, read_only, transaction
from media_pipeline.errors import RemoteError
from media_pipeline.ops import runs
from media_pipeline.progress import Progress
from media_pipeline.quality import parity, validate
from media_pipeline.quality.expectations import SAYS, Expectation, Suite, expectations
from media_pipeline.quality.validate import Result, Validation
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.reports import files, plots
from media_pipeline.reports.files import Attachment, Plot, Report, Table, Verdict, Written
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ExpectationState, ReportId, RunId, Severity

NAME: Final = "quality"
"""Of its directory among the reports."""

_LOG_ENTRIES: Final = 1_000_000
"""Newest entries whose digests are computed again; 'audit verify' does it for all."""

_TREND_DAYS: Final = 30
_ORDER: Final = (ExpectationState.FAILED, ExpectationState.UNKNOWN, ExpectationState.MET)


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What became of one suite: failed where an expectation is, else unknown where one is, else met."""

    suite: Suite
    results: tuple[Result, ...]

    @property
    def state(self) -> ExpectationState:
        """The worst of its expectations."""
        found = {one.state for one in self.results}
        return next(state for state in _ORDER if state in found)

    @property
    def severity(self) -> Severity:
        """How grave it is: the gravest of those that are not met, an unknown one being a warning."""
        is_critical = any(
            one.state is ExpectationState.FAILED and one.expectation.severity is Severity.CRITICAL
            for one in self.results
        )
        return Severity.CRITICAL if is_critical else Severity.WARNING


@dataclass(frozen=True, slots=True)
class QualityReport:
    """One report.

    Attributes:
        parity_problem: why the cloud could not be asked; None where it was.
        written: its page and files.
    """

    id: ReportId
    suites: tuple[SuiteResult, ...]
    asset_count: int
    slice_count: int
    sampled_count: int
    compared_field_count: int
    parity_problem: str | None
    written: Written

    @property
    def is_good(self) -> bool:
        """Whether every expectation is met."""
        return all(one.state is ExpectationState.MET for one in self.suites)

    def count(self, state: ExpectationState) -> int:
        """Expectations in *state*."""
        return sum(one.state is state for suite in self.suites for one in suite.results)


def make(
    engine: Engine,
    settings: Settings,
    connect: Callable[[], CloudinaryClient],
    *,
    run_id: RunId,
    progress: Progress,
    wait_seconds: float = 0.0,
) -> QualityReport:
    """Ask every expectation, keep the results, write the page.

    Where the cloud cannot be reached, what compares with it is unknown, and everything else is asked all the same.

    Args:
        connect: the way to the cloud.

    Raises:
        ActivityBusy: another process makes a report, and did so for *wait_seconds*.
        DatabaseError: Postgres cannot be reached; the report stays unfinished.
        ReportUnwritable: the results are kept, the page could not be written.
    """
    with locks.activity(engine, "quality", holder=runs.holder("quality"), wait_seconds=wait_seconds) as fence:
        with transaction(engine) as connection:
            fence.check(connection)
            begun = statements.run(connection, "quality/010_begin_report", run_id=run_id).one()
        report_id = ReportId(begun.id)
        compared, problem = _compare(engine, settings, connect, report_id, progress)
        _prove_log(engine, settings, report_id, progress)
        asked = expectations(settings, begun.started_at)
        progress.note(f"Asking {len(asked)} expectations.")
        validation = _ask(engine, asked, problem)
        with transaction(engine) as connection:
            fence.check(connection)
            statements.run(
                connection, "quality/030_write_results", report_id=report_id, results=_as_json(validation.results)
            )
            statements.run(connection, "quality/020_finish_report", report_id=report_id)
        suites = tuple(
            SuiteResult(suite, tuple(one for one in validation.results if one.expectation.suite is suite))
            for suite in Suite
        )
        page = _report(engine, report_id, begun, suites, problem, validation.documents)
        written = files.write(page, settings, run_id=run_id)
        with transaction(engine) as connection:
            statements.run(connection, "quality/025_set_page", report_id=report_id, page=written.directory)
    return QualityReport(
        id=report_id,
        suites=suites,
        asset_count=begun.asset_count,
        slice_count=compared.slice_count,
        sampled_count=compared.sampled_count,
        compared_field_count=compared.field_count,
        parity_problem=problem,
        written=written,
    )


def _compare(
    engine: Engine,
    settings: Settings,
    connect: Callable[[], CloudinaryClient],
    report_id: ReportId,
    progress: Progress,
) -> tuple[parity.Parity, str | None]:
    try:
        return parity.compare(engine, connect(), settings, report_id, progress=progress), None
    except RemoteError as error:
        return parity.Parity(0, 0, 0), f"The cloud could not be asked: {error}"


def _prove_log(engine: Engine, settings: Settings, report_id: ReportId, progress: Progress) -> None:
    """Compute the newest part of the log again, and the chain of all seals; keep what is wrong with it."""
    found = audit.verify(engine, newest_entries=_LOG_ENTRIES, archive=settings.archive, progress=progress)
    problems = [
        *(("changed entry", _entry(one)) for one in found.changed),
        *(("added entry", _entry(one)) for one in found.added),
        *(
            (
                "seal",
                f"seal {one.seal_id} of {one.sealed_at:%Y-%m-%d %H:%M:%S}, entries to {one.through}: {one.problem}",
            )
            for one in found.seals
        ),
        *(("chain", f"seal {one.seal_id} of {one.sealed_at:%Y-%m-%d %H:%M:%S}: {one.problem}") for one in found.links),
        *(("archive", f"{one.month}, {one.file_name}: {one.problem}") for one in found.archives),
    ]
    with transaction(engine) as connection:
        statements.run(
            connection,
            "quality/090_write_log_problems",
            report_id=report_id,
            kinds=[kind for kind, _ in problems],
            details=[detail for _, detail in problems],
        )


def _entry(one: audit.Entry) -> str:
    return f"{one.xid}:{one.id} of {one.recorded_at:%Y-%m-%d %H:%M:%S}, {one.action}, asset {one.asset_id or '-'}"


def _ask(engine: Engine, asked: Sequence[Expectation], problem: str | None) -> Validation:
    """Ask what can be asked: without the cloud's figures an empty table would look like a yes."""
    unaskable = [one for one in asked if problem is not None and one.needs_cloud]
    validation = validate.validate(engine, [one for one in asked if one not in unaskable])
    known = {one.expectation.name: one for one in validation.results}
    known |= {one.name: Result(one, ExpectationState.UNKNOWN, None, None, (), problem or "") for one in unaskable}
    return Validation(tuple(known[one.name] for one in asked), validation.documents)


def _as_json(results: Sequence[Result]) -> str:
    rows = [
        {
            "suite": one.expectation.suite.value,
            "expectation": one.expectation.name,
            "position": position,
            "severity": one.expectation.severity.value,
            "state": one.state.value,
            "element_count": one.element_count,
            "unexpected_count": one.unexpected_count,
            "sample": one.sample,
            "problem": one.problem,
        }
        for position, one in enumerate(results, start=1)
    ]
    return msgspec.json.encode(rows).decode()


def _report(
    engine: Engine,
    report_id: ReportId,
    begun: Row[Any],
    suites: Sequence[SuiteResult],
    problem: str | None,
    documents: Mapping[str, str],
) -> Report:
    with read_only(engine, role=ENGINE_ROLE) as connection:
        trend = statements.run(connection, "quality/100_list_reports", since_days=_TREND_DAYS).all()
        counts = statements.run(connection, "quality/110_list_slice_counts", report_id=report_id).all()
    results = [one for suite in suites for one in suite.results]
    not_met = [one for one in results if one.state is not ExpectationState.MET]
    failed = [one for one in not_met if one.state is ExpectationState.FAILED]
    is_critical = any(one.expectation.severity is Severity.CRITICAL for one in failed)
    if not not_met:
        lead = f"All {len(results)} expectations are met."
    else:
        unknown = len(not_met) - len(failed)
        lead = f"{len(failed)} of {len(results)} expectations failed" + (
            f", {unknown} could not be asked. {problem or ''}".rstrip() if unknown else "."
        )
    return Report(
        name=NAME,
        title="Data quality",
        lead=lead,
        verdict=Verdict.BAD if is_critical else Verdict.DOUBTFUL if not_met else Verdict.GOOD,
        figures={
            "expectations met": sum(one.state is ExpectationState.MET for one in results),
            "failed": len(failed),
            "not asked": len(not_met) - len(failed),
            "live assets": begun.asset_count,
        },
        plots=_plots(trend),
        tables=_tables(suites, not_met, counts, begun.seal_digest),
        attachments=[Attachment("great_expectations.zip", _zip(documents))],
    )


def _plots(trend: Sequence[Row[Any]]) -> Sequence[Plot]:
    def line(column: str) -> list[tuple[datetime, float]]:
        return [(row.started_at, float(getattr(row, column))) for row in trend]

    return [
        Plot(
            plots.lines(
                {"failed": line("failed_count"), "not asked": line("unknown_count")},
                title=f"Expectations that are not met, {_TREND_DAYS} days",
                unit="expectations",
            ),
            f"Expectations that failed or could not be asked, report by report of the last {_TREND_DAYS} days.",
        ),
        Plot(
            plots.lines(
                {"rows": line("unexpected_count")}, title=f"Rows that break one, {_TREND_DAYS} days", unit="rows"
            ),
            f"Rows that break an expectation, report by report of the last {_TREND_DAYS} days.",
        ),
    ]


def _tables(
    suites: Sequence[SuiteResult], not_met: Sequence[Result], counts: Sequence[Row[Any]], seal: bytes | None
) -> Sequence[Table]:
    return [
        Table(
            "suites",
            "Suites",
            ("state", "suite", "what it says", "expectations", "not met"),
            [
                (
                    one.state.value,
                    one.suite.value,
                    SAYS[one.suite],
                    len(one.results),
                    sum(result.state is not ExpectationState.MET for result in one.results),
                )
                for one in suites
            ],
            "No suites.",
            state_column="state",
        ),
        Table(
            "not_met",
            "What is not met, and what to do",
            ("state", "severity", "expectation", "what it says", "rows that break it", "what to do", "why not asked"),
            [
                (
                    one.state.value,
                    one.expectation.severity.value,
                    one.expectation.name,
                    one.expectation.says,
                    one.unexpected_count,
                    one.expectation.remedy,
                    one.problem or "",
                )
                for one in not_met
            ],
            "Nothing: every expectation is met.",
            state_column="state",
        ),
        Table(
            "rows",
            "Rows that break one",
            ("expectation", "row"),
            [
                (
                    one.expectation.name,
                    "; ".join(f"{name}: {value}" for name, value in row.items() if value is not None),
                )
                for one in not_met
                for row in one.sample
            ],
            "None.",
            note=f"The first {validate.SAMPLE_COUNT} of each.",
        ),
        Table(
            "expectations",
            "All expectations",
            ("state", "suite", "expectation", "what it says", "severity", "rows looked at", "rows that break it"),
            [
                (
                    one.state.value,
                    suite.suite.value,
                    one.expectation.name,
                    one.expectation.says,
                    one.expectation.severity.value,
                    one.element_count,
                    one.unexpected_count,
                )
                for suite in suites
                for one in suite.results
            ],
            "No expectations.",
            note="Where a rule takes several tables, only the rows that break it are counted.",
            state_column="state",
        ),
        Table(
            "slices",
            "Live assets by slice",
            ("slice", "in Cloudinary", "in the mirror"),
            [(row.slice, row.cloud_count, row.mirror_count) for row in counts],
            "The cloud was not asked.",
            note="Cloudinary's count is that of its search, whose index lags some seconds behind.",
        ),
        Table(
            "anchor",
            "Anchor of the audit log",
            ("digest of the newest seal",),
            [] if seal is None else [(seal.hex(),)],
            "The log has no seal yet.",
            note="Kept outside of the database, it shows a log that was rewritten with all its seals: "
            "media-pipeline audit verify --anchor DIGEST.",
        ),
    ]


def _zip(documents: Mapping[str, str]) -> bytes:
    """Great Expectations' own pages; they load scripts from other hosts, hence to download and not to show."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, page in documents.items():
            archive.writestr(f"{name}.html", page)
    return packed.getvalue()
