"""A record is poison, a push is killed, a kept file rots."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import ExitCode
from media_pipeline.vault import Vault
from media_pipeline.vocabulary import AssetId
from media_pipeline_tests.cli.conftest import Deployment
from media_pipeline_tests.drills.conftest import Drill, Start, edit, make_due, rig_of

pytestmark = pytest.mark.slow

EMBLEM = "logos/brackenhaven-emblem"


def asset_id_of(deployment: Deployment, public_id: str) -> AssetId:
    ((found,),) = rig_of(deployment).query("select asset_id from media_assets where public_id = %(p)s", p=public_id)
    return AssetId(found)


def test_a_record_cannot_be_understood(drill: Drill, ready: Deployment) -> None:
    asset_id = asset_id_of(ready, EMBLEM)
    ready.client.update(asset_id, display_name="Theirs")
    page = json.loads(ready.client.list_page(ready.settings.slices[0], cursor=None, page_size=500).body)
    next(one for one in page["resources"] if one["asset_id"] == asset_id)["bytes"] = "a lot"
    rig_of(ready).break_lists(Kind.STATUS, status=200, body=json.dumps(page))
    drill.try_out("sync", code=0)
    told = drill.next().out
    assert f"{asset_id}  wrong_type" in told
    drill.require_alarm()
    titles = "select display_name from media_assets where public_id = %(p)s"
    assert rig_of(ready).query(titles, p=EMBLEM) == [("Emblem",)]

    drill.next(ASSET=EMBLEM)
    ready.control.clear_faults()
    drill.next()
    drill.next()
    drill.require_mended()
    assert rig_of(ready).query(titles, p=EMBLEM) == [("Theirs",)]
    assert "in quarantine" not in drill.try_out("status", code=0).out


def test_a_push_was_killed_in_the_middle_of_a_call(drill: Drill, ready: Deployment, start: Start) -> None:
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    # The call has its effect; its answer is still under way when the process dies.
    ready.control.add_faults(*(Rule(Kind.DELAY, method=one, seconds=20) for one in ("POST", "PUT")))
    pusher = start("push", **drill.settings)
    deadline = time.monotonic() + 120
    while not any(rule.injected for rule in ready.control.faults()):
        assert pusher.poll() is None, pusher.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    pusher.kill()
    pusher.wait()
    ready.control.clear_faults()
    assert "Claimed by a push until" in drill.try_out("push", code=0).out
    drill.next()
    drill.require_alarm()
    ready.control.clear_journal()

    assert "no result" in drill.next(ASSET=EMBLEM).out
    make_due(ready)
    drill.next()
    drill.next(ASSET=EMBLEM)
    drill.require_mended()
    # It had its effect, so nothing is written a second time.
    assert {one.method for one in ready.control.journal()} == {"GET"}
    assert rig_of(ready).query("select state, attempt_count from outbox.operation") == [("done", 1)]


def test_a_file_of_the_vault_is_damaged(drill: Drill, ready: Deployment) -> None:
    drill.settings |= {"vault": True, "undo_seconds": 0, "retries": 0}
    drill.try_out("vault", "fill", code=0)
    asset_id = asset_id_of(ready, EMBLEM)
    with Vault(ready.engine, ready.home).open_copy(asset_id) as copy:
        Path(copy.name).write_bytes(b"rotten")
    edit(ready.engine, EMBLEM, "deleted_at = now()")
    for path in (f"/{ready.endpoints.cloud_name}/*", "*/download"):
        ready.control.add_faults(Rule(Kind.STATUS, method="GET", path=path, status=503))
    drill.try_out("push")
    assert EMBLEM in drill.next(code=ExitCode.FAILED).out
    drill.require_alarm()
    assert ready.client.read_asset(asset_id)

    ready.control.clear_faults()
    make_due(ready)
    drill.next()
    drill.next()
    drill.next()
    drill.next()
    drill.require_mended()
    assert rig_of(ready).query("select state from outbox.operation") == [("done",)]
