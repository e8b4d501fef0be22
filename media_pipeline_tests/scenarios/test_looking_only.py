"""A dry run leaves everything as it is, on both sides, whatever it meets."""

from __future__ import annotations

import pytest

from media_pipeline.cli.dry_run import dry_run
from media_pipeline.emulator.faults import Kind
from media_pipeline.ops import holds
from media_pipeline.progress import Silent
from media_pipeline.vocabulary import HoldState
from media_pipeline_tests.cli.test_dry_run import checksums
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios.both_sides import differences, require_equal


@pytest.mark.parametrize("trouble", [None, Kind.EMPTY_PAGE, Kind.TRUNCATED_JSON])
def test_a_dry_run_changes_no_table_and_sends_nothing_but_reads(rig: Rig, trouble: Kind | None) -> None:
    """With work in every queue: a hold that waits, an asset to be read again, changes that nobody has seen."""
    ids = rig.upload_many(10)
    rig.sync()
    with rig.client() as outsider:
        outsider.delete_assets(ids[:6])
    rig.sync()
    rig.upload("p0009", colour=900)
    rig.upload("new", colour=901)
    rig.hint(ids[8:])
    there = differences(rig)
    before = checksums(rig.engine)
    assert len(holds.list_holds(rig.engine)) == 1
    rig.control.clear_journal()
    if trouble is not None:
        rig.break_lists(trouble)

    with rig.client() as client:
        # What was asked for counts against the allowance, dry or not.
        look = dry_run(rig.engine, client, rig.settings, progress=Silent())

    after = checksums(rig.engine)
    assert {name for name in before if before[name] != after[name]} <= {"ops.api_budget", "ops.api_call"}
    assert {entry.method for entry in rig.control.journal()} == {"GET"}
    assert bool(look.problems) is (trouble is Kind.TRUNCATED_JSON)
    assert differences(rig) == there
    (hold,) = holds.list_holds(rig.engine)
    holds.decide(rig.engine, hold.id, HoldState.APPROVED, actor="cli:ada")
    rig.sync()
    require_equal(rig)
