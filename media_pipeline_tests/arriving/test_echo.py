"""What we push comes back as messages of the cloud, and leads to nothing."""

from __future__ import annotations

import json
from pathlib import Path

from media_pipeline_tests.arriving.conftest import HearingRig
from media_pipeline_tests.push.conftest import PushRig
from media_pipeline_tests.scenarios.both_sides import require_equal


def test_our_own_push_is_told_back_and_changes_nothing_and_is_not_pushed_again(rig: HearingRig, tmp_path: Path) -> None:
    rig.upload_many(5)
    rig.sync()
    rig.listen()
    settings = rig.settings.model_copy(update={"home": tmp_path, "undo_seconds": 0, "vault": False})
    editor = PushRig(rig.engine, rig.endpoints, rig.control, settings)
    editor.edit("p0000", "tags = array['ours'], context = jsonb_build_object('alt', 'ours')")
    editor.edit("p0001", "display_name = 'ours', asset_folder = 'ours'")
    editor.edit("p0002", "public_id = 'ours'")
    editor.delete("p0003")
    pushed = editor.push()
    rows = rig.query("select id, row_version, updated_at from media_assets order by id")
    entries = rig.query("select count(*) from media_sync_log where asset_id is not null")

    told = rig.messages()
    rig.receive(told)
    rig.drain()
    rig.read()
    again = editor.push()

    assert {json.loads(one)["notification_type"] for one in told} >= {"resource_tags_changed", "rename", "delete"}
    assert (pushed.sent, again.sent, again.plan.approved) == (6, 0, 0)
    assert rig.query("select id, row_version, updated_at from media_assets order by id") == rows
    assert rig.query("select count(*) from media_sync_log where asset_id is not null") == entries
    assert rig.query("select count(*) from mirror.verify_queue") == [(0,)]
    require_equal(rig)
