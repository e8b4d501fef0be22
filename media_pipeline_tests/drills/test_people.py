"""What waits for a person: holds, plans, conflicts."""

from __future__ import annotations

import pytest

from media_pipeline.errors import ExitCode
from media_pipeline.ops import holds
from media_pipeline.vocabulary import AssetId
from media_pipeline_tests.cli.conftest import Deployment
from media_pipeline_tests.drills.conftest import Drill, edit, rig_of

pytestmark = pytest.mark.slow

EMBLEM = "logos/brackenhaven-emblem"
LIMITS = {"deletion_limit_count": 1, "deletion_limit_share": 0, "undo_seconds": 0}


def test_deletions_in_the_cloud_wait_for_a_person(drill: Drill, ready: Deployment) -> None:
    drill.settings |= LIMITS
    rig = rig_of(ready)
    raw = "select asset_id from media_assets where resource_type = 'raw' and deleted_at is null order by asset_id"
    gone = [AssetId(row[0]) for row in rig.query(raw)][:2]
    ready.client.delete_assets(gone)
    drill.try_out("sync", code=ExitCode.HELD)
    drill.try_out("status", code=0)
    drill.require_alarm()
    assert len(rig.query(raw)) == 3

    drill.next()
    (hold,) = holds.list_holds(ready.engine)
    shown = drill.next(N=hold.id).out
    assert all(one in shown for one in gone)
    drill.next(N=hold.id, typed="2\n")
    drill.next()
    drill.next()
    drill.require_mended()
    assert len(rig.query(raw)) == 1


def test_a_push_plan_waits_for_a_person(drill: Drill, ready: Deployment) -> None:
    drill.settings |= LIMITS
    rig = rig_of(ready)
    with ready.engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set deleted_at = now() where resource_type = 'video'")
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    drill.try_out("push", code=ExitCode.HELD)
    drill.try_out("status", code=0)
    drill.require_alarm()
    assert rig.query("select kind, state from outbox.operation order by id") == [
        ("delete", "pending"),
        ("delete", "pending"),
        ("update_display_name", "done"),
    ]

    drill.next()
    ((number,),) = rig.query("select id from outbox.push_plan where state = 'held'")
    assert "asset: there -> deleted" in drill.next(N=number).out
    drill.next(N=number, typed="2\n")
    drill.next()
    drill.next()
    drill.require_mended()
    assert rig.query("select distinct state from outbox.operation") == [("done",)]


def test_both_sides_changed_the_same_field(drill: Drill, ready: Deployment) -> None:
    rig = rig_of(ready)
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    ((asset_id,),) = rig.query("select asset_id from media_assets where public_id = %(p)s", p=EMBLEM)
    ready.client.update(AssetId(asset_id), display_name="Theirs")
    drill.try_out("push", code=0)
    drill.try_out("status", code=0)
    drill.require_alarm()

    drill.next()
    ((number,),) = rig.query("select id from outbox.conflict where state = 'open'")
    shown = drill.next(N=number).out
    assert all(f'"{one}"' in shown for one in ("Emblem", "Ours", "Theirs"))
    drill.next(N=number)
    drill.next()
    drill.next()
    drill.next()
    drill.require_mended()
    assert rig.query("select display_name from mirror.remote_asset where asset_id = %(a)s", a=asset_id) == [("Ours",)]
