"""Cloudinary is down, refuses the key, has no calls left, or is another cloud than it should be."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from media_pipeline import canary
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import Deployment
from media_pipeline_tests.drills.conftest import Cloud, Drill, Start, address_of, edit, hours_pass, make_due, rig_of
from media_pipeline_tests.intake.conftest import BODY, signed

pytestmark = pytest.mark.slow

EMBLEM = "logos/brackenhaven-emblem"


def test_cloudinary_is_down(drill: Drill, ready: Deployment, tmp_path: Path) -> None:
    canary.touch(ready.engine, ready.client, ready.settings, run_id=None)
    ready.sync()
    drill.try_out("vault", "fill", code=0)
    ready.control.add_faults(Rule(Kind.STATUS, status=503))
    drill.settings["retries"] = 0
    edit(ready.engine, EMBLEM, "tags = tags || '{first}'")
    drill.try_out("push", code=ExitCode.REMOTE)
    hours_pass(ready, 2)
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    edit(ready.engine, "logos/brackenhaven-emblem", 'context = context || \'{"alt": "Emblem"}\'')
    drill.try_out("sync", code=ExitCode.REMOTE)
    drill.try_out("sync", "--recent", code=ExitCode.REMOTE)
    drill.try_out("alarm", code=ExitCode.FAILED)
    drill.require_alarm()
    # Reads are served: rows, their history, the bytes that the vault has.
    assert rig_of(ready).query("select display_name from media_assets where public_id = %(p)s", p=EMBLEM) == [("Ours",)]
    assert "Ours" in drill.try_out("explain", EMBLEM, code=0).out
    assert drill.try_out("status", "--json", code=0).json["status"]["edits"]["pending_count"] == 3
    assert "from the vault" in drill.try_out("vault", "get", EMBLEM, "-o", str(tmp_path / "emblem"), code=0).out

    drill.next(code=ExitCode.CONFIGURATION)
    ready.control.clear_faults()
    make_due(ready)
    drill.next()
    canary.touch(ready.engine, ready.client, ready.settings, run_id=None)
    drill.next()
    drill.next()
    drill.next()
    drill.require_mended()
    assert rig_of(ready).query("select distinct state from outbox.operation") == [("done",)]


def test_the_key_was_changed(drill: Drill, ready: Deployment, start: Start, cloud: Cloud) -> None:
    """The old key is refused when the first write comes; then the cloud has another key and another secret."""
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    ready.control.add_faults(Rule(Kind.REVOKED_KEY, method="POST"), Rule(Kind.REVOKED_KEY, method="PUT"))
    drill.try_out("push", code=ExitCode.FAILED)
    drill.require_alarm()
    assert rig_of(ready).query("select state from outbox.operation") == [("pending",)]
    old, new, key = "the-old-secret-of-tests", "the-new-secret-of-tests", "555555555555555"
    cloud.stop()
    cloud.start(api_key=key, api_secret=new)
    name = f"{cloud.endpoints.cloud_name}?upload_prefix={cloud.endpoints.base_url}"
    words: dict[str, object] = {"NEW_KEY": key, "NEW_SECRET": new, "OLD_SECRET": old, "CLOUD": name, "PORT": 0}

    drill.set_variables(**words)
    drill.next()
    make_due(ready)
    with_both = drill.start_next(**words)
    assert _answers(address_of(with_both), old, new) == [200, 200]
    with_both.terminate()
    drill.next()
    drill.next()
    assert _answers(address_of(drill.start_next(**words)), old, new) == [401, 200]
    drill.require_mended()


def _answers(url: str, *secrets: str) -> list[int]:
    """What the receiver says to a notification that is signed with each."""
    return [httpx.post(url, content=BODY, headers=signed(secret=one), trust_env=False).status_code for one in secrets]


def test_the_allowance_of_api_calls_is_spent(drill: Drill, ready: Deployment) -> None:
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    ready.control.set_quota(500, used=500)
    # The drill does not wait for the next hour; an operator's sync does.
    drill.settings["rate_limit_wait_seconds"] = 0
    drill.try_out("push", code=ExitCode.REMOTE)
    drill.try_out("vault", "fill", code=ExitCode.REMOTE)
    drill.next()
    drill.require_alarm()

    ready.control.set_quota(500, used=0)
    make_due(ready)
    drill.next()
    drill.next()
    drill.require_mended()


def test_the_key_leads_to_another_cloud(
    drill: Drill, ready: Deployment, empty_database_url: str, tmp_path: Path
) -> None:
    bound = ready.endpoints.cloudinary_url
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    runs = rig_of(ready).query("select count(*) from ops.run")
    with EmulatorThread(EmulatorConfig(tmp_path / "other", "other")) as other:
        drill.settings["cloudinary_url"] = other.endpoints.cloudinary_url
        drill.try_out("sync", code=ExitCode.CONFIGURATION)
        drill.try_out("push", code=ExitCode.CONFIGURATION)
        drill.next(code=ExitCode.CONFIGURATION)
        drill.require_alarm()
        with httpx.Client(base_url=other.endpoints.base_url) as http:
            headers = {"Authorization": f"Bearer {other.endpoints.control_token}"}
            journal = json.loads(http.get("/_emulator/journal", headers=headers).content)
        assert {one["method"] for one in journal} == {"GET"}
        assert rig_of(ready).query("select count(*) from ops.run where state <> 'failed'") == runs

        drill.next(BOUND_CLOUDINARY_URL=bound)
        drill.next()
        drill.next(
            OTHER_CLOUDINARY_URL=other.endpoints.cloudinary_url,
            NEW_DATABASE_URL=empty_database_url,
            NEW_HOME=tmp_path / "other home",
        )
        drill.next()
        drill.require_mended()
    assert rig_of(ready).query("select count(*) from media_assets where deleted_at is not null") == [(0,)]
