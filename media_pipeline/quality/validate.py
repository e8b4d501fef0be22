"""Asking the expectations, by Great Expectations over Postgres.

Belongs here: the only import of Great Expectations, suites made from plain data, its results in our words.
Not here: what is expected (``quality.expectations``), what is kept of the answers (``quality.results``).

Postgres computes every figure; of rows that break a rule only the first few come here. Importing Great Expectations
takes seconds of CPU, so it happens inside ``validate`` and nowhere else.
"""

from __future__ import annotations

import itertools
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy import Connection, Engine, event

from media_pipeline.db import statements
from media_pipeline.db.engine import ENGINE_ROLE, normalize_url, read_only, take_role
from media_pipeline.logs import mask
from media_pipeline.quality.expectations import Expectation
from media_pipeline.vocabulary import ExpectationState

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource

log = structlog.get_logger()

SAMPLE_COUNT: Final = 10
"""Rows of a sample."""

_PROBLEM_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one expectation.

    Attributes:
        element_count: rows that were looked at; None where only those that break it are counted.
        unexpected_count: rows that break it; None where it could not be asked.
        sample: the first of these rows, column to value; values are of JSON.
        problem: why it could not be asked; None where it was.
    """

    expectation: Expectation
    state: ExpectationState
    element_count: int | None
    unexpected_count: int | None
    sample: tuple[Mapping[str, Any], ...]
    problem: str | None


@dataclass(frozen=True, slots=True)
class Validation:
    """All results, in the order of their expectations, and what Great Expectations itself makes of them.

    ``documents`` maps suite and table to their Data Docs page, which loads scripts from other hosts: to download, not
    to show.
    """

    results: tuple[Result, ...]
    documents: Mapping[str, str]


def validate(engine: Engine, expectations: Sequence[Expectation]) -> Validation:
    """Ask every one of *expectations*, each in transactions of its own that can only read.

    One that cannot be asked, because a table is gone or Postgres refuses, is ``unknown`` and hinders no other.

    Raises:
        DatabaseUnreachable: no connection.
    """
    with read_only(engine):
        pass  # A server that is away is one error, not one for each expectation.
    with warnings.catch_warnings():
        # Those of a library's own imports, and its advice to use a class that refuses addresses without a host.
        warnings.simplefilter("ignore")
        return _validate(engine, expectations)


def _validate(engine: Engine, expectations: Sequence[Expectation]) -> Validation:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.variables.analytics_enabled = False
    # Its configuration, and so this address with its password, lives in the memory of this process alone.
    address = normalize_url(engine.url.render_as_string(hide_password=False))
    source = context.data_sources.add_sql("postgres", connection_string=address)
    results: dict[str, Result] = {}
    documents: dict[str, str] = {}
    # One looks whether tables are there, the other one asks.
    pools = [source.get_engine(), source.get_execution_engine().engine]
    try:
        for pool in pools:
            # Every transaction of Great Expectations, whatever it asks, is ours to read and to write nothing.
            event.listen(pool, "begin", _only_read)
        by_table = sorted(expectations, key=_place)
        for place, group in itertools.groupby(by_table, key=_place):
            some = list(group)
            try:
                answer = _ask(gx, context, source, place, some)
                answers = {_name_of(one): one for one in answer.results}
                results |= {one.name: _result(one, answers[one.name]) for one in some}
            except Exception as error:
                # Whatever a library raises of one table: the others are asked, and this one is told as unknown.
                results |= {one.name: _unknown(one, error) for one in some}
            else:
                documents["-".join(place)] = _document(answer)
    finally:
        source.get_execution_engine().close()
        for pool in pools:
            pool.dispose()
    return Validation(tuple(results[one.name] for one in expectations), documents)


def _place(expectation: Expectation) -> tuple[str, str]:
    return expectation.suite.value, expectation.table


def _ask(
    gx: ModuleType,
    context: AbstractDataContext,
    source: SQLDatasource,
    place: tuple[str, str],
    some: Sequence[Expectation],
) -> ExpectationSuiteValidationResult:
    """Ask those of one suite and one table together: Great Expectations makes one query of many figures."""
    import great_expectations.expectations as classes

    schema_name, _, table_name = place[1].partition(".")
    name = " of ".join(place)
    suite = gx.ExpectationSuite(
        name,
        expectations=[
            getattr(classes, one.type)(**one.arguments, severity=one.severity.value, meta={"name": one.name})
            for one in some
        ],
    )
    asset = source.add_table_asset(name, table_name=table_name, schema_name=schema_name)
    validation = gx.ValidationDefinition(
        name=name, data=asset.add_batch_definition_whole_table("whole"), suite=context.suites.add(suite)
    )
    form = {
        "result_format": "SUMMARY",
        "partial_unexpected_count": SAMPLE_COUNT,
        "unexpected_index_column_names": sorted({column for one in some for column in one.key}),
    }
    answer: ExpectationSuiteValidationResult = context.validation_definitions.add(validation).run(result_format=form)
    return answer


def _document(answer: ExpectationSuiteValidationResult) -> str:
    """Its Data Docs page; the results do not depend on whether it can be drawn."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    try:
        page = ValidationResultsPageRenderer().render(answer)
        return str(DefaultJinjaPageView().render(page))  # type: ignore[no-untyped-call]
    except Exception as error:
        log.warning("data_docs_not_drawn", problem=mask(str(error))[:_PROBLEM_LENGTH])
        return f"This page could not be drawn: {type(error).__name__}."


def _name_of(answer: ExpectationValidationResult) -> str:
    configuration = answer.expectation_config
    return str(configuration.meta["name"]) if configuration is not None and configuration.meta else ""


def _only_read(connection: Connection) -> None:
    statements.run(connection, "quality/005_only_read")
    take_role(connection, ENGINE_ROLE)


def _result(expectation: Expectation, answer: ExpectationValidationResult) -> Result:
    raised = _raised(answer.exception_info or {})
    if raised is not None:
        return _unknown(expectation, raised)
    figures = answer.result
    state = ExpectationState.MET if answer.success else ExpectationState.FAILED
    if "unexpected_count" in figures:
        # Where several columns are compared together, their values are the list itself.
        rows = figures.get("partial_unexpected_index_list") or figures.get("partial_unexpected_list") or ()
        return Result(
            expectation,
            state,
            # Of a view of the rows that break a rule, these are all there is to look at. None: no rows.
            None if expectation.type == "ExpectColumnValuesToBeNull" else int(figures["element_count"] or 0),
            int(figures["unexpected_count"] or 0),
            tuple(_plain(row) for row in rows[:SAMPLE_COUNT] if isinstance(row, Mapping)),
            None,
        )
    missing = figures.get("partial_missing_list") or ()
    sample = tuple({"missing": _plain(value)} for value in missing)
    return Result(expectation, state, None, int(figures.get("missing_count") or 0), sample, None)


def _raised(info: Mapping[str, Any]) -> str | None:
    """What was raised: one description, or one a metric that failed."""
    for one in (info, *(value for value in info.values() if isinstance(value, Mapping))):
        if one.get("raised_exception"):
            return str(one.get("exception_message"))
    return None


def _unknown(expectation: Expectation, error: Exception | str) -> Result:
    problem = mask(" ".join(str(error).split()))[:_PROBLEM_LENGTH] or type(error).__name__
    log.warning("expectation_not_asked", suite=expectation.suite.value, expectation=expectation.name, problem=problem)
    return Result(expectation, ExpectationState.UNKNOWN, None, None, (), problem)


def _plain(value: Any) -> Any:
    """As JSON has it: times and numbers of Postgres become text and numbers."""
    return json.loads(json.dumps(value, default=str))
