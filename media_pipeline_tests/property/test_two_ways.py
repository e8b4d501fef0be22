"""Whatever people do on both sides and whatever goes wrong: nothing is deleted that nobody asked to be deleted, no edit
gets lost, and both sides become equal.

The machine of ``test_convergence`` with an editor's hands on this side and a pusher that suffers as much as the sync.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy.exc import DBAPIError

from media_pipeline import outbox, push
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import MediaPipelineError
from media_pipeline.merge import Merge
from media_pipeline.ops import holds
from media_pipeline.outbox import settling
from media_pipeline.outbox.records import Operation
from media_pipeline.progress import Silent
from media_pipeline.push import compare
from media_pipeline.vocabulary import AssetId, ConflictId, ConflictState, HoldState, OperationState, PlanState
from media_pipeline_tests.database import Postgres
from media_pipeline_tests.mirror.test_interruptions import Crash, crash_after_commit
from media_pipeline_tests.property.outsider import truth
from media_pipeline_tests.property.test_convergence import Convergence

numbers = st.integers(0, 999)
edits = st.sampled_from(["tags", "untag", "context", "uncontext", "title", "move", "rename", "delete", "undelete"])

_WRITES = [
    {"kind": Kind.RESET_BEFORE_EFFECT},
    {"kind": Kind.RESET_AFTER_EFFECT},
    {"kind": Kind.STATUS, "status": 400},
    {"kind": Kind.STATUS, "status": 503},
    {"kind": Kind.REVOKED_KEY},
    {"kind": Kind.QUOTA},
    {"kind": Kind.TRUNCATED_JSON},
    {"kind": Kind.HTML, "status": 502},
]
write_faults = st.builds(
    lambda fault, method, first, times: Rule(**fault, method=method, first=first, times=times),
    st.sampled_from(_WRITES),
    st.sampled_from(["POST", "PUT", "DELETE"]),
    st.integers(1, 2),
    st.sampled_from([None, 1, 2]),
)

IN_FLIGHT_TWICE = """
  select asset_id from outbox.operation where state in ('leased', 'unknown') group by asset_id having count(*) > 1
"""
DELETED_WITHOUT_INTENT = """
  select a.id from outbox.attempt a join outbox.operation o on o.id = a.operation_id
  where o.kind = 'delete' and not exists (
    select from media_sync_log l where l.asset_id = o.asset_id and l.action = 'deleted' and l.actor <> 'cloudinary'
  ) and not exists (select from outbox.conflict c where c.asset_id = o.asset_id and c.state = 'local_wins')
"""
_SCALAR_OPERATIONS = """
  select o.id, o.asset_id, k.field, o.state, o.base ->> k.field as base, o.wanted ->> k.field as wanted,
    o.id = max(o.id) over (partition by o.asset_id, o.kind) as is_last
  from outbox.operation o join outbox.operation_kind k on k.kind = o.kind
  where k.field in ('public_id', 'display_name', 'asset_folder')
"""
SETTLED_WITHOUT_A_WORD = """
  select id from outbox.operation where state in ('refused', 'conflict', 'done', 'cancelled') and outcome is null
"""


class TwoWays(Convergence):
    """One cloud, one mirror, people on both sides."""

    def __init__(self) -> None:
        super().__init__()
        # What a push remembers of its database is not true of the next machine's.
        self._home = TemporaryDirectory(prefix="mp-two-ways-")

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self._home.cleanup()

    @initialize(count=st.integers(3, 6), keeps_backups=st.booleans())
    def begin(self, count: int, keeps_backups: bool) -> None:
        update = {"home": Path(self._home.name), "undo_seconds": 0, "vault": False}
        self.rig.settings = self.rig.settings.model_copy(update=update)
        Convergence.begin(self, count, keeps_backups)

    @rule(which=numbers, how=edits, value=numbers)
    def somebody_here_edits(self, which: int, how: str, value: int) -> None:
        rows = self.rig.query("select asset_id from media_assets order by asset_id")
        if not rows:
            return
        ((asset_id,),) = [rows[which % len(rows)]]
        assignments = {
            "tags": f"tags = tags || array['here{value % 3}']",
            "untag": f"tags = array_remove(tags, 't{value % 4}')",
            "context": f"context = context || jsonb_build_object('k{value % 3}', 'here{value}')",
            "uncontext": f"context = context - 'k{value % 3}'",
            "title": f"display_name = 'Here {value}'",
            "move": f"asset_folder = 'here{value % 3}'",
            "rename": f"public_id = 'here{value % 6}'",
            "delete": "deleted_at = now()",
            "undelete": "deleted_at = null",
        }
        # A refusal with its rule is an answer, too: of a deleted asset, of a field in conflict.
        with contextlib.suppress(DBAPIError), self.rig.engine.begin() as connection:
            connection.exec_driver_sql(f"update media_assets set {assignments[how]} where asset_id = '{asset_id}'")

    @rule(faults=st.lists(write_faults, max_size=2))
    def push(self, faults: list[Rule]) -> None:
        if faults:
            self.control.add_faults(*faults)
        with contextlib.suppress(MediaPipelineError):
            self._push()
        self.control.clear_faults()
        self.rig.nap(0)

    @rule(after=st.integers(1, 12))
    def push_that_dies(self, after: int) -> None:
        with contextlib.suppress(Crash), crash_after_commit(self.rig.engine, after):
            self._push()
        # The process is gone, and in a while so are its claims.
        with self.rig.engine.begin() as connection:
            connection.exec_driver_sql(
                "update outbox.operation set leased_until = clock_timestamp() - interval '1 s' where state = 'leased'"
            )

    @rule(which=numbers, winner=st.sampled_from([ConflictState.LOCAL_WINS, ConflictState.REMOTE_WINS]))
    def a_person_decides_a_conflict(self, which: int, winner: ConflictState) -> None:
        waiting = self._conflicts()
        if waiting:
            self._resolve(waiting[which % len(waiting)], winner)

    def _push(self) -> None:
        with self.rig.engine.begin() as connection:
            connection.exec_driver_sql("update outbox.operation set not_before = '-infinity' where state = 'pending'")
        push.plan(self.rig.engine, self.rig.settings, run_id=None)
        with self.rig.client() as client:
            for kinds in push.GROUPS:
                push.push(self.rig.engine, client, self.rig.settings, kinds, run_id=None, progress=Silent())

    def _conflicts(self) -> list[ConflictId]:
        return [ConflictId(row[0]) for row in self.rig.query("select id from outbox.conflict where state = 'open'")]

    def _resolve(self, number: ConflictId, winner: ConflictState) -> None:
        outbox.resolve(self.rig.engine, number, winner, actor="cli:ada", policy_of=self.rig.settings.conflict_policy)

    # What holds after each step.

    @invariant()
    def nothing_counts_as_deleted_that_was_not(self) -> None:
        """By outsiders, or by operations that people here recorded."""
        ours = {
            AssetId(row[0]) for row in self.rig.query("select asset_id from outbox.operation where kind = 'delete'")
        }
        gone = set(self.outsider.known) - set(truth(self.cloud))
        assert gone <= set(self.outsider.deletions) | ours
        tombstones = {
            row[0] for row in self.rig.query("select asset_id from mirror.asset_sighting where state = 'tombstone'")
        }
        assert tombstones <= set(self.outsider.deletions) | ours
        assert self.rig.query(DELETED_WITHOUT_INTENT) == []

    @invariant()
    def one_operation_of_an_asset_is_on_its_way(self) -> None:
        assert self.rig.query(IN_FLIGHT_TWICE) == []

    @invariant()
    def nothing_of_others_is_overwritten_unseen_and_what_counts_as_done_is_done(self) -> None:
        """Who overwrites a value of others had it before their eyes; only others overwrite what was done."""
        there = truth(self.cloud)
        operations = self.rig.query(_SCALAR_OPERATIONS)
        seen = {(asset_id, field, base) for _, asset_id, field, _, base, _, _ in operations}
        for (asset_id, field), (value, _) in self.outsider.written.items():
            if asset_id in there and there[asset_id][field] != value:
                assert (asset_id, field, value) in seen
        for number, asset_id, field, state, _, wanted, is_last in operations:
            value, newest = self.outsider.written.get((asset_id, field), (wanted, 0))
            if state == "done" and is_last and asset_id in there:
                assert there[asset_id][field] in ({wanted} if newest < number else {wanted, value})

    @invariant()
    def every_operation_says_how_it_ended(self) -> None:
        assert self.rig.query(SETTLED_WITHOUT_A_WORD) == []

    # How it ends.

    def _converge(self) -> None:
        self.control.clear_faults()
        for _ in range(12):
            self._push()
            self.rig.make_due()
            last = self.rig.sync()
            if not self._decide() and last.diff.total == last.mirror.still_queued == 0 and not self._open():
                break
        assert self._open() == []
        assert self._conflicts() == []
        there = truth(self.cloud)
        assert self._mirrored() == {asset_id: _fields(document) for asset_id, document in there.items()}
        self.nothing_counts_as_deleted_that_was_not()
        self.every_change_is_in_the_log_once()
        self.the_seals_are_one_chain_over_the_log()
        self.every_operation_says_how_it_ended()

    def _decide(self) -> bool:
        """Whether anything waited for a person; it is decided now."""
        waiting = holds.list_holds(self.rig.engine)
        plans = push.list_plans(self.rig.engine, only_held=True)
        conflicts = self._conflicts()
        for hold in waiting:
            holds.decide(self.rig.engine, hold.id, HoldState.APPROVED, actor="cli:ada")
        for plan in plans:
            push.decide(self.rig.engine, self.rig.settings, plan.id, PlanState.APPROVED, actor="cli:ada")
        for number in conflicts:
            self._resolve(number, ConflictState.REMOTE_WINS)
        return bool(waiting or plans or conflicts)

    def _open(self) -> list[Any]:
        return self.rig.query(
            "select asset_id, kind, state, base, wanted, outcome, attempt_count from outbox.operation"
            " where finished_at is null order by id"
        )


def _fields(document: dict[str, Any]) -> tuple[Any, ...]:
    names = ("public_id", "version", "bytes", "asset_folder", "display_name")
    context = document.get("context", {}).get("custom", {})
    return *(document[name] for name in names), sorted(document.get("tags", [])), context


def bound(postgres: Postgres, cloud: Endpoints) -> type[TwoWays]:
    """The machine on a server and a cloud."""
    return type("TwoWays", (TwoWays,), {"postgres": postgres, "cloud": cloud})


@pytest.mark.property
def test_whatever_people_do_on_both_sides_nothing_is_lost_and_both_become_equal(
    postgres: Postgres, cloud: Endpoints
) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(
        deadline=None, suppress_health_check=checks, stateful_step_count=14, max_examples=15, print_blob=True
    )
    run_state_machine_as_test(bound(postgres, cloud), settings=chosen)


def tell(machine: TwoWays) -> None:
    """A story in which each mistake below hurts: a title that both sides give, and one whose push gets no answer."""
    machine.begin(count=3, keeps_backups=False)
    clashing, unanswered = (sorted(machine.outsider.known).index(one) for one in machine.outsider.known[:2])
    try:
        machine.somebody_here_edits(clashing, "title", 1)
        machine.somebody_edits(0, "title", 2)
        machine.push([])
        machine.nothing_of_others_is_overwritten_unseen_and_what_counts_as_done_is_done()
        machine.somebody_here_edits(unanswered, "title", 3)
        machine.push([Rule(Kind.RESET_BEFORE_EFFECT, method="PUT", times=1)])
        machine.sync([], is_pause_over=True)
        machine.nothing_of_others_is_overwritten_unseen_and_what_counts_as_done_is_done()
    finally:
        machine.teardown()


def push_whole_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others did meanwhile is overwritten: the base is not compared."""
    monkeypatch.setattr(compare, "merge", lambda base, wanted, _remote: Merge(base, wanted))


def trust_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that was called for counts as done, whatever a read shows."""

    def believing(asset: settling._Asset, operation: Operation, **_: object) -> None:
        asset._end(operation, OperationState.DONE, "believed")

    monkeypatch.setattr(settling._Asset, "_end_or_repeat", believing)


@pytest.mark.property
def test_a_story_without_a_mistake_ends_well(postgres: Postgres, cloud: Endpoints) -> None:
    tell(bound(postgres, cloud)())


@pytest.mark.property
@pytest.mark.parametrize("mistake", [push_whole_values, trust_the_answer])
def test_the_machine_finds_a_mistake_of_the_push(
    postgres: Postgres, cloud: Endpoints, monkeypatch: pytest.MonkeyPatch, mistake: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """A test that cannot fail proves nothing. The story is told, since chance seldom comes upon one that hurts."""
    mistake(monkeypatch)

    with pytest.raises(AssertionError):
        tell(bound(postgres, cloud)())
