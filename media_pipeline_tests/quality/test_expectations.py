"""Every expectation is met by a healthy library, and each can fail: a planted fault breaks it and no other."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from media_pipeline.quality.expectations import SAYS, Suite, expectations
from media_pipeline.quality.validate import Validation, validate
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ExpectationState
from media_pipeline_tests.drills import runbook
from media_pipeline_tests.quality.faults import FAULTS, plant

NAMES = [one.name for one in expectations(Settings(), datetime.now(UTC))]


def ask(engine: Engine, settings: Settings) -> Validation:
    return validate(engine, expectations(settings, datetime.now(UTC)))


def in_state(validation: Validation, state: ExpectationState) -> set[str]:
    return {one.expectation.name for one in validation.results if one.state is state}


def test_every_expectation_has_a_fault_that_is_planted() -> None:
    assert sorted(FAULTS) == sorted(NAMES)
    assert len(set(NAMES)) == len(NAMES)


def test_every_suite_has_expectations_and_says_what_they_have_in_common() -> None:
    some = expectations(Settings(), datetime.now(UTC))

    assert {one.suite for one in some} == set(Suite) == set(SAYS)
    assert [one.name for one in some if not one.says.endswith(".") or not one.remedy.endswith(".")] == []


def test_an_entry_of_the_runbook_that_a_remedy_names_exists() -> None:
    titles = {entry.title for entry in runbook.entries()}
    named = {
        title
        for one in expectations(Settings(), datetime.now(UTC))
        for title in re.findall(r"docs/runbook\.md, '([^']+)'", one.remedy)
    }

    assert len(named) > 3
    assert named - titles == set()


def test_a_healthy_library_meets_all_and_nobody_is_told(
    library: Engine, quality_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres is asked by its own library; a word to anybody else would go through one of Python's sockets."""
    told: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: told.append(address))

    found = ask(library, quality_settings)

    assert told == []
    assert {one.expectation.name: one for one in found.results if one.state is not ExpectationState.MET} == {}
    assert [one.expectation.name for one in found.results] == NAMES


@pytest.mark.slow
def test_an_empty_database_breaks_only_what_asks_for_a_listing(engine: Engine, quality_settings: Settings) -> None:
    assert in_state(ask(engine, quality_settings), ExpectationState.FAILED) == {"slices_were_listed"}


def test_all_faults_at_once_break_all(library: Engine, quality_settings: Settings) -> None:
    for name in FAULTS:
        plant(library, name)

    found = ask(library, quality_settings)

    assert in_state(found, ExpectationState.FAILED) == set(NAMES)
    assert [one.expectation.name for one in found.results if not one.sample or not one.unexpected_count] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_fault_breaks_exactly_its_expectation(library: Engine, quality_settings: Settings, name: str) -> None:
    plant(library, name)

    found = ask(library, quality_settings)

    assert in_state(found, ExpectationState.FAILED) == {name}
    assert in_state(found, ExpectationState.UNKNOWN) == set()


@pytest.mark.slow
def test_what_cannot_be_asked_is_unknown_and_hinders_nothing_else(library: Engine, quality_settings: Settings) -> None:
    with library.begin() as connection:
        connection.exec_driver_sql("drop view quality.lost_touch")
        connection.exec_driver_sql("revoke select on quality.unsealed_entry from media_sync")

    found = ask(library, quality_settings)

    assert in_state(found, ExpectationState.UNKNOWN) == {"changes_arrive", "entries_get_sealed"}
    assert in_state(found, ExpectationState.FAILED) == set()
    problems = {one.expectation.name: one.problem or "" for one in found.results}
    assert "permission denied" in problems["entries_get_sealed"]
    assert "lost_touch" in problems["changes_arrive"]


@pytest.mark.slow
def test_it_only_reads(library: Engine, quality_settings: Settings) -> None:
    """A view that would write is refused by Postgres: every transaction is one that can only read."""
    with library.begin() as connection:
        connection.exec_driver_sql(
            "create function quality.write() returns bigint language sql security definer as"
            " 'insert into quality.report (run_id) values (null) returning id'"
        )
        connection.exec_driver_sql(
            "create or replace view quality.lost_touch as select quality.write() as id, now() as touched_at"
        )
        connection.exec_driver_sql("grant select on quality.lost_touch to media_sync")
        before = connection.exec_driver_sql("select count(*) from quality.report").scalar_one()

    found = ask(library, quality_settings)

    problems = {one.expectation.name: one.problem for one in found.results if one.state is ExpectationState.UNKNOWN}
    assert "read-only transaction" in (problems["changes_arrive"] or "")
    with library.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from quality.report").scalar_one() == before
