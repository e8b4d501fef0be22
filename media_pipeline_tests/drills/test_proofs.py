"""The audit log was changed; the data are not what they must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from media_pipeline import audit
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import Deployment
from media_pipeline_tests.database import wait_for_older_transactions
from media_pipeline_tests.drills.conftest import Drill, rig_of

pytestmark = pytest.mark.slow

EMBLEM = "logos/brackenhaven-emblem"


def test_the_audit_log_was_changed(drill: Drill, ready: Deployment, tmp_path: Path) -> None:
    wait_for_older_transactions(ready.engine)
    audit.seal(ready.engine, holder="the drill")
    rig = rig_of(ready)
    ((digest,),) = rig.query("select encode(digest, 'hex') from media_sync_log_seal order by id desc limit 1")
    ((xid, number, actor),) = rig.query(
        "select xid::text, id, actor from media_sync_log where asset_id is not null order by xid, id limit 1"
    )
    assert f"  {digest}" in drill.try_out("audit", "verify", code=0).out
    forge = (
        "set session_replication_role = replica; update media_sync_log set actor = '{0}' where xid = '{1}' and id = {2}"
    )
    with ready.engine.begin() as connection:
        connection.exec_driver_sql(forge.format("cli:nobody", xid, number).replace("set session", "set local session"))

    assert f"{xid}:{number}" in drill.next(code=ExitCode.FAILED).out
    drill.require_alarm()
    repair = tmp_path / "repair.sql"
    repair.write_text(forge.format(actor, xid, number), encoding="utf-8")
    drill.next(FILE=repair)
    drill.next(DIGEST=digest)
    drill.require_mended()


def test_the_quality_report_is_red(drill: Drill, ready: Deployment, tmp_path: Path) -> None:
    drill.try_out("sync", code=0)
    with ready.engine.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        connection.exec_driver_sql(f"update media_assets set display_name = 'by hand' where public_id = '{EMBLEM}'")

    assert EMBLEM in drill.next(code=ExitCode.FAILED).out
    drill.require_alarm()
    repair = tmp_path / "repair.sql"
    repair.write_text(drill.entry.sql, encoding="utf-8")
    drill.next(FILE=repair)
    drill.next()
    drill.next()
    drill.require_mended()
    titles = "select display_name from media_assets where public_id = %(p)s"
    assert rig_of(ready).query(titles, p=EMBLEM) == [("Emblem",)]
    assert rig_of(ready).query(
        "select l.after ->> 'display_name' from media_sync_log l join media_assets m using (asset_id)"
        " where m.public_id = %(p)s and l.action = 'updated' order by l.row_version desc limit 1",
        p=EMBLEM,
    ) == [("Emblem",)]
