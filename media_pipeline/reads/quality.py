"""Reports of data quality, as they were kept.

Belongs here: reading one back.
Not here: making one (``quality``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import read_only
from media_pipeline.vocabulary import ExpectationState, ReportId, Severity


@dataclass(frozen=True, slots=True)
class KeptExpectation:
    """What became of an expectation; ``problem`` says why an unknown one could not be asked."""

    suite: str
    name: str
    severity: Severity
    state: ExpectationState
    element_count: int | None
    unexpected_count: int | None
    sample: tuple[Mapping[str, Any], ...]
    problem: str | None


@dataclass(frozen=True, slots=True)
class KeptSuite:
    """A suite with its expectations, by name; it is met where all of them are."""

    suite: str
    is_met: bool
    expectations: tuple[KeptExpectation, ...]


@dataclass(frozen=True, slots=True)
class KeptReport:
    """One report.

    Attributes:
        page: directory of its page below that of all reports; None where it could not be written.
        failures: the expectations that are not met, of all suites.
    """

    id: ReportId
    started_at: datetime
    finished_at: datetime | None
    asset_count: int
    page: str | None
    is_met: bool
    suites: tuple[KeptSuite, ...]
    failures: tuple[KeptExpectation, ...]


def read_quality_report(engine: Engine, report_id: ReportId) -> KeptReport:
    """Read one report.

    Raises:
        LookupError: there is none of that number, or it has no results.
    """
    with read_only(engine) as connection:
        rows = statements.run(connection, "reads/970_read_quality_report", report_id=report_id).all()
    if not rows:
        raise LookupError(f"There is no quality report {report_id}.")
    found = [
        KeptExpectation(
            suite=row.suite,
            name=row.expectation,
            severity=Severity(row.severity),
            state=ExpectationState(row.state),
            element_count=row.element_count,
            unexpected_count=row.unexpected_count,
            sample=tuple(row.sample),
            problem=row.problem,
        )
        for row in rows
    ]
    failures = tuple(one for one in found if one.state is not ExpectationState.MET)
    suites = []
    for name, group in groupby(found, key=lambda one: one.suite):
        some = tuple(group)
        suites.append(KeptSuite(name, all(one.state is ExpectationState.MET for one in some), some))
    first = rows[0]
    return KeptReport(
        id=ReportId(first.id),
        started_at=first.started_at,
        finished_at=first.finished_at,
        asset_count=first.asset_count,
        page=first.page,
        is_met=not failures,
        suites=tuple(suites),
        failures=failures,
    )
