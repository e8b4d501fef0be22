"""Changes do not arrive: the scheduler stopped, the spool is full, a notification was set aside."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from media_pipeline import canary
from media_pipeline.emulator.config import API_SECRET
from media_pipeline.errors import ExitCode
from media_pipeline.vocabulary import AssetId
from media_pipeline_tests.cli.conftest import Deployment
from media_pipeline_tests.drills.conftest import Drill, Receiving, hours_pass, rig_of
from media_pipeline_tests.intake.conftest import SECRET, signed

CHANNEL = "drills"
LIVE = "select asset_id from media_assets where deleted_at is null"


@pytest.mark.slow
def test_the_scheduler_stopped(drill: Drill, ready: Deployment) -> None:
    rig = rig_of(ready)
    drill.settings |= {"poll_channel": CHANNEL, "spool_reserve_bytes": 0}
    drill.try_out("triggers", "apply", code=0)
    canary.touch(ready.engine, ready.client, ready.settings, run_id=None)
    drill.try_out("poll", "--once", code=0)
    drill.try_out("drain", code=0)
    drill.try_out("alarm", code=0)
    # Three changes of which nobody hears, a change whose notification waits in the spool, then silence.
    canary.touch(ready.engine, ready.client, ready.settings, run_id=None)
    rig.upload("told to nobody", colour=901)
    ((gone,),) = rig.query("select asset_id from media_assets where resource_type = 'raw' order by 1 limit 1")
    ready.client.delete_assets([AssetId(gone)])
    ready.control.clear_notifications()
    told = rig.upload("told", colour=902)
    drill.try_out("poll", "--once", code=0)
    hours_pass(ready, 2)
    for file in (Path(str(ready.home)) / "spool" / "new").iterdir():
        os.utime(file, (time.time() - 7200,) * 2)
    drill.try_out("alarm", code=ExitCode.FAILED)
    drill.next()
    drill.require_alarm()

    up = drill.start_next()
    deadline = time.monotonic() + 240
    while (told,) not in rig.query(LIVE):
        assert up.poll() is None, up.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.5)
    up.terminate()
    assert up.wait(60) == 0
    canary.touch(ready.engine, ready.client, ready.settings, run_id=None)
    today = datetime.now(UTC).date()
    drill.next(FIRST_DAY=today, LAST_DAY=today)
    drill.try_out("poll", "--once", code=0)
    drill.try_out("drain", code=0)
    drill.next()
    drill.next()
    drill.require_mended()
    assert (gone,) not in rig.query(LIVE)


@pytest.mark.slow
def test_the_spool_is_full(drill: Drill, ready: Deployment, receiving: Receiving) -> None:
    rig = rig_of(ready)
    drill.settings |= {"spool_file_limit": 2, "spool_reserve_bytes": 0, "webhook_secrets": SECRET}
    url = receiving(drill.settings)
    ids = rig.upload_many(3, prefix="told")

    def tell(asset_id: AssetId) -> int:
        body = json.dumps({"notification_type": "upload", "asset_id": asset_id}).encode()
        return httpx.post(url, content=body, headers=signed(body), trust_env=False).status_code

    def is_ready() -> int:
        return httpx.get(httpx.URL(url).join("/readyz"), trust_env=False).status_code

    assert [tell(one) for one in ids] == [200, 200, 503]
    assert is_ready() == 503
    drill.try_out("alarm", code=ExitCode.FAILED)
    drill.require_alarm()

    drill.next()
    drill.next()
    drill.next()
    # The files are counted once a second.
    for _ in range(100):
        if is_ready() == 200:
            break
        time.sleep(0.1)
    assert tell(ids[2]) == 200
    drill.next()
    drill.require_mended()
    drill.try_out("drain", code=0)
    assert rig.query("select count(*) from landing.notification") == [(3,)]


def test_a_notification_was_set_aside(drill: Drill, ready: Deployment) -> None:
    drill.settings |= {"poll_channel": CHANNEL, "spool_reserve_bytes": 0, "webhook_secrets": SECRET}
    drill.try_out("triggers", "apply", code=0)
    told = rig_of(ready).upload("told")
    assert "1 set aside" in drill.try_out("poll", "--once", code=0).out
    drill.try_out("status", code=0)
    drill.require_alarm()

    listed = drill.next().out
    ((name,),) = [[one["name"]] for one in drill.try_out("spool", "list", "--json").json["quarantined"]]
    assert name in listed
    drill.next(NAME=name, SECRET=SECRET, OTHER_SECRET=API_SECRET)
    drill.next()
    drill.next()
    drill.require_mended()
    assert (told,) in rig_of(ready).query(LIVE)
