"""Whatever an outsider does and whatever goes wrong: no asset counts as deleted that was not, and the mirror converges.

A machine edits an emulated cloud, syncs, breaks syncs in every way it knows, and looks after each step. At the end the
trouble stops, everything held is approved, and mirror and cloud must be equal.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, CursorResult, text

from media_pipeline import settings as settings_module
from media_pipeline.db import statements
from media_pipeline.db.engine import create_engine, read_only
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Rule
from media_pipeline.errors import MediaPipelineError
from media_pipeline.mirror import verify
from media_pipeline.mirror.verify import VerifyCounts
from media_pipeline.ops import holds
from media_pipeline.vocabulary import AssetId, HoldState
from media_pipeline_tests.database import Postgres
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.mirror.test_interruptions import Crash, crash_after_commit
from media_pipeline_tests.property.outsider import (
    NAMES,
    Outsider,
    fault_plans,
    short_pages,
    short_point_reads,
    truth,
)

numbers = st.integers(0, 999)
edits = st.sampled_from(["upload", "restore", "tag", "context", "move", "title", "rename"])
hints = st.lists(numbers, max_size=4)

TOMBSTONES = """
  select asset_id from media_assets where deleted_at is not null
  union select asset_id from mirror.asset_sighting where state = 'tombstone'
"""
UNLOGGED = """
  select m.asset_id, m.row_version from media_assets m
  where array(select l.row_version from media_sync_log l where l.asset_id = m.asset_id order by l.row_version)
    <> array(select generate_series(1, m.row_version))
"""
WRONG_DIGESTS = """
  select l.id from media_sync_log l
  where l.digest <> audit.entry_digest(l.action, l.cause, l.actor, l.run_id, l.asset_id, l.media_asset_id,
    l.row_version, l.fingerprint, l.before, l.after, l.recorded_at)
"""


class Convergence(RuleBasedStateMachine):
    """One cloud, one mirror, one outsider."""

    postgres: ClassVar[Postgres]
    cloud: ClassVar[Endpoints]

    def __init__(self) -> None:
        super().__init__()
        self._databases = self.postgres.database(template=self.postgres.template)
        self.control = ControlClient(self.cloud)
        self.control.reset()
        self.rig = Rig(
            create_engine(self._databases.__enter__(), pool_size=4),
            self.cloud,
            self.control,
            settings_module.load(
                CLOUDINARY_URL=self.cloud.cloudinary_url,
                listing_page_size=2,
                delivery_types="upload",
                resource_types="image",
                retries=1,
                retry_base_seconds=0.001,
                read_timeout_seconds=2,
                deletion_limit_count=2,
                read_batch_size=4,
            ),
        )
        self.outsider = Outsider(self.rig)

    @initialize(count=st.integers(3, 9), keeps_backups=st.booleans())
    def begin(self, count: int, keeps_backups: bool) -> None:
        self.control.change_settings(backup=keeps_backups)
        for number, name in enumerate(NAMES[:count]):
            self.outsider.upload(name, number)
        self.rig.sync()

    @rule(which=numbers, how=edits, value=numbers)
    def somebody_edits(self, which: int, how: str, value: int) -> None:
        self.outsider.edit(which, how, value)

    @rule(first=numbers, count=st.integers(1, 6))
    def somebody_deletes(self, first: int, count: int) -> None:
        self.outsider.delete(first, count)

    @rule(which=numbers, state=st.sampled_from([HoldState.APPROVED, HoldState.REJECTED]))
    def a_person_decides(self, which: int, state: HoldState) -> None:
        if open_holds := holds.list_holds(self.rig.engine):
            holds.decide(self.rig.engine, open_holds[which % len(open_holds)].id, state, actor="cli:ada")

    @rule(hinted=hints, is_pause_over=st.booleans())
    def sync(self, hinted: list[int], is_pause_over: bool) -> None:
        self._hint(hinted)
        if is_pause_over:
            self.rig.make_due()
        self.rig.sync()

    @rule(hinted=hints, plan=fault_plans)
    def sync_in_trouble(self, hinted: list[int], plan: list[Rule]) -> None:
        self._hint(hinted)
        self.control.add_faults(*plan)
        self._sync_or_refuse()

    @rule(fault=short_pages)
    def sync_with_a_short_listing(self, fault: Rule) -> None:
        self.control.add_faults(fault)
        self._sync_or_refuse()

    @rule(hinted=st.lists(numbers, min_size=2, max_size=6), fault=short_point_reads)
    def sync_with_short_reads_by_id(self, hinted: list[int], fault: Rule) -> None:
        self._hint(hinted)
        self.control.add_faults(fault)
        self._sync_or_refuse()

    @rule(hinted=hints, after=st.integers(1, 30))
    def sync_that_dies(self, hinted: list[int], after: int) -> None:
        self._hint(hinted)
        with contextlib.suppress(Crash), crash_after_commit(self.rig.engine, after):
            self.rig.sync()

    @rule(which=numbers, how=st.sampled_from(["delete", "hint"]) | edits, plan=st.just([]) | fault_plans)
    def sync_while_somebody_works(self, which: int, how: str, plan: list[Rule]) -> None:
        def between() -> None:
            """Pages are read, none is applied yet: what happens now is newer than any of them."""
            match how:
                case "delete":
                    self.outsider.delete(which, 1 + which % 3)
                case "hint":
                    self._hint([which, which + 1, which + 2])
                case _:
                    self.outsider.edit(which, how, which)
            self.control.add_faults(*plan)

        self.rig.on_page = between
        self._sync_or_refuse()
        self.rig.on_page = None

    def _hint(self, which: list[int]) -> None:
        """Ask for assets to be read again; one that never was is among them now and then."""
        known = [*self.outsider.known, AssetId("f" * 32)]
        self.rig.hint([known[one % len(known)] for one in which])

    def _sync_or_refuse(self) -> None:
        """A named refusal is an answer, too; what it leaves behind is looked at after the step."""
        with contextlib.suppress(MediaPipelineError):
            self.rig.sync()
        self.control.clear_faults()
        # An allowance that a fault called spent is given anew before anything else happens.
        self.rig.nap(0)

    # What holds after each step.

    @invariant()
    def nothing_counts_as_deleted_that_was_not(self) -> None:
        tombstones = {row[0] for row in self.rig.query(TOMBSTONES)}
        logged = dict(
            self.rig.query("select asset_id, count(*) from media_sync_log where action = 'deleted' group by 1")
        )

        assert tombstones <= set(self.outsider.deletions)
        # What is live in the cloud and a tombstone here was deleted, and came back since.
        assert tombstones & set(truth(self.cloud)) <= set(self.outsider.returns)
        for asset_id, count in logged.items():
            assert count <= self.outsider.deletions[asset_id]

    @invariant()
    def every_change_is_in_the_log_once(self) -> None:
        assert self.rig.query(UNLOGGED) == []

    @invariant()
    def the_seals_are_one_chain_over_the_log(self) -> None:
        assert self.rig.query(WRONG_DIGESTS) == []
        entries = self.rig.query("select xid::text::bigint, id, digest from media_sync_log order by xid, id")
        previous, done = bytes(32), 0
        for xid, id_, count, digest_of_entries, before, digest in self.rig.query(
            "select through_xid::text::bigint, through_id, entry_count, entries_digest, previous_digest, digest"
            " from media_sync_log_seal order by id"
        ):
            sealed = entries[done : done + count]
            assert sealed[-1][:2] == (xid, id_)
            assert digest_of_entries == hashlib.sha256(b"".join(entry[2] for entry in sealed)).digest()
            assert before == previous
            assert digest == hashlib.sha256(before + digest_of_entries + f"{xid}:{id_}:{count}".encode()).digest()
            previous, done = digest, done + count

    # How it ends.

    def teardown(self) -> None:
        try:
            self._converge()
        finally:
            self.control.close()
            self.rig.engine.dispose()
            self._databases.__exit__(None, None, None)

    def _converge(self) -> None:
        self.control.clear_faults()
        # A hold over suspects lets them be read; what that proves may be held once more.
        for _ in range(3):
            self.rig.make_due()
            last = self.rig.sync()
            waiting = holds.list_holds(self.rig.engine)
            for hold in waiting:
                holds.decide(self.rig.engine, hold.id, HoldState.APPROVED, actor="cli:ada")
            if not waiting and last.diff.total == last.mirror.still_queued == 0:
                break
        self.rig.make_due()
        last = self.rig.sync()

        there = truth(self.cloud)
        assert self._mirrored() == {asset_id: _fields(document) for asset_id, document in there.items()}
        assert last.diff.total == 0
        assert holds.list_holds(self.rig.engine) == []
        assert not last.listing.problems
        self.nothing_counts_as_deleted_that_was_not()
        self.every_change_is_in_the_log_once()
        self.the_seals_are_one_chain_over_the_log()

    def _mirrored(self) -> dict[str, tuple[Any, ...]]:
        rows = self.rig.query(
            "select asset_id, public_id, version, size_bytes, asset_folder, display_name, tags, context"
            " from media_assets where deleted_at is null"
        )
        return {row[0]: row[1:] for row in rows}


def _fields(document: dict[str, Any]) -> tuple[Any, ...]:
    names = ("public_id", "version", "bytes", "asset_folder", "display_name")
    context = document.get("context", {}).get("custom", {})
    return *(document[name] for name in names), sorted(document.get("tags", [])), context


def bound(postgres: Postgres, cloud: Endpoints) -> type[Convergence]:
    """The machine on a server and a cloud."""
    return type("Convergence", (Convergence,), {"postgres": postgres, "cloud": cloud})


def run(postgres: Postgres, cloud: Endpoints, **options: Any) -> None:
    """Let the machine choose what happens."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(deadline=None, suppress_health_check=checks, stateful_step_count=16, **options)
    run_state_machine_as_test(bound(postgres, cloud), settings=chosen)


@pytest.mark.property
@pytest.mark.parametrize("keeps_backups", [True, False])
@pytest.mark.parametrize("count", [2, 5])
def test_a_library_that_was_emptied_becomes_empty_here(
    postgres: Postgres, cloud: Endpoints, keeps_backups: bool, count: int
) -> None:
    """With backups a listing is never empty, since it shows the remnants: nobody could approve their deletion."""
    machine = bound(postgres, cloud)()
    machine.begin(count=count, keeps_backups=keeps_backups)
    machine.somebody_deletes(first=0, count=count)
    machine.teardown()


@pytest.mark.property
def test_whatever_happens_nothing_is_lost_and_both_sides_become_equal(postgres: Postgres, cloud: Endpoints) -> None:
    run(postgres, cloud, max_examples=15, print_blob=True)


def believe_suspects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Absence from a listing is taken for a proof; only what was hinted at is read."""
    read_batch = verify._Reader.read_batch

    def believing(reader: verify._Reader, claims: Sequence[verify._Claim]) -> VerifyCounts:
        with read_only(reader._engine) as connection:
            found = connection.exec_driver_sql("select asset_id from mirror.asset_sighting where state = 'suspect'")
            suspected = set(found.scalars())
        believed = [claim for claim in claims if claim.asset_id in suspected]
        others = [claim for claim in claims if claim.asset_id not in suspected]
        counts = reader._tombstone(believed, reader._touch(), unproved=[])
        return counts + read_batch(reader, others) if others else counts

    monkeypatch.setattr(verify._Reader, "read_batch", believing)


def believe_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an answer does not show is taken for deleted, without a canary and whatever the answer's size."""

    def believing(
        reader: verify._Reader, missing: Sequence[verify._Claim], canary: object, asked: object, low: int, **_: object
    ) -> VerifyCounts:
        return reader._tombstone(missing, low, unproved=[])

    monkeypatch.setattr(verify._Reader, "_settle_missing", believing)


def apply_without_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows change and nothing is told."""
    run_statement = statements.run

    def silent(connection: Connection, name: str, **parameters: Any) -> CursorResult[Any]:
        if name != "diff/130_apply_changed":
            return run_statement(connection, name, **parameters)
        update = statements.source(name).partition("insert into public.media_sync_log")[0]
        columns = {key: value for key, value in parameters.items() if f":{key}" in update}
        return connection.execute(text(f"{update} select * from changed"), columns)

    monkeypatch.setattr(statements, "run", silent)


@pytest.mark.property
@pytest.mark.parametrize("mistake", [believe_suspects, believe_answers, apply_without_a_log])
def test_the_machine_finds_a_mistake(
    postgres: Postgres, cloud: Endpoints, monkeypatch: pytest.MonkeyPatch, mistake: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """A test that cannot fail proves nothing: with one rule broken, the same machine must."""
    mistake(monkeypatch)

    with pytest.raises(AssertionError):
        run(postgres, cloud, max_examples=150, derandomize=True, database=None, phases=[Phase.generate])
