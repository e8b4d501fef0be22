"""The database is lost, away, full, or of another version."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from media_pipeline.db import migrate, statements
from media_pipeline.db.embedded import EmbeddedServer
from media_pipeline.db.engine import create_engine
from media_pipeline.errors import ExitCode
from media_pipeline.vocabulary import AssetId
from media_pipeline_tests.cli.conftest import Deployment
from media_pipeline_tests.drills.conftest import Drill, Receiving, edit, rig_of
from media_pipeline_tests.scenarios.test_database_trouble import full_disk_under

EMBLEM = "logos/brackenhaven-emblem"
NOTE = "open-data/trees.csv"


def writes(deployment: Deployment) -> list[str]:
    """Requests that changed the cloud since the journal was cleared."""
    journal = deployment.control.journal()
    return [f"{one.method} {one.path}" for one in journal if one.method != "GET" and not one.path.endswith("/search")]


@pytest.mark.slow
def test_postgres_was_restored_from_an_old_dump(drill: Drill, ready: Deployment, empty_database_url: str) -> None:
    drill.settings["undo_seconds"] = 0
    edit(ready.engine, EMBLEM, "tags = tags || '{first}'")
    drill.try_out("push", code=0)
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    edit(ready.engine, NOTE, "deleted_at = now()")
    drill.next(DUMP="old.dump")
    # After the dump, in which both wait: one is taken back, the other one pushed, and then others work on it.
    edit(ready.engine, NOTE, "deleted_at = null")
    drill.try_out("push", code=0)
    ((asset_id,),) = rig_of(ready).query("select asset_id from media_assets where public_id = %(p)s", p=EMBLEM)
    ready.client.update(AssetId(asset_id), display_name="Theirs, later")
    ready.control.clear_journal()

    drill.next(NEW_DATABASE_URL=empty_database_url, DUMP="old.dump")
    drill.next()
    drill.next()
    drill.next(code=ExitCode.HELD)
    drill.require_alarm()
    looked = drill.next().out
    assert NOTE in looked
    assert "asset: there -> deleted" in looked
    restored = create_engine(empty_database_url, pool_size=1)
    edit(restored, NOTE, "deleted_at = null")
    restored.dispose()
    drill.next(typed="y\n")
    # What both sides changed is asked, not overwritten.
    assert "conflicts list" in drill.next().out
    assert writes(ready) == []
    drill.try_out("conflicts", "resolve", "1", "--remote", code=0)
    drill.next()
    drill.require_mended()


@pytest.mark.slow
def test_postgres_is_away(drill: Drill, ready: Deployment, receiving: Receiving) -> None:
    with tempfile.TemporaryDirectory(prefix="mp-away-") as place:
        with EmbeddedServer(Path(place)) as server:
            drill.settings["database_url"] = server.url
            drill.try_out("sync", "--migrate", code=0)
        assert drill.try_out("alarm").code == ExitCode.FAILED
        drill.require_alarm()
        url = receiving(drill.settings)
        ready.control.change_settings(notification_algorithm="sha256")
        drill.try_out("triggers", "apply", notification_url=url, code=0)
        new = rig_of(ready).upload("while-it-was-away")
        assert {one.state for one in ready.control.settle_notifications()} == {"delivered"}

        drill.next(code=ExitCode.CONFIGURATION)
        with EmbeddedServer(Path(place)) as server:
            drill.next()
            drill.next()
            drill.next()
            drill.require_mended()
            engine = create_engine(server.url, pool_size=1)
            with engine.connect() as connection:
                assert connection.exec_driver_sql(
                    "select count(*) from media_assets where asset_id = %(a)s", {"a": new}
                ).scalar_one()
            engine.dispose()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /dev/full")
def test_the_disk_of_postgres_is_full(drill: Drill, deployment: Deployment, request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["postgres"] != "embedded":
        pytest.skip("the files of that server are out of reach")
    drill.settings |= deployment.variables
    with full_disk_under(rig_of(deployment), "landing.listing_page"):
        drill.try_out("sync", code=ExitCode.FAILED)
        drill.require_alarm()
        drill.next()
        drill.next()

    drill.next()
    drill.next()
    drill.require_mended()


def test_the_database_is_behind_the_program(
    drill: Drill, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrate.migrations()
    engine = create_engine(empty_database_url, pool_size=1)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: known[:-1])
        migrate.upgrade(engine)
    engine.dispose()
    drill.settings |= {"home": tmp_path, "database_url": empty_database_url}
    drill.try_out("push", code=ExitCode.CONFIGURATION)
    drill.require_alarm()

    drill.next(code=ExitCode.CONFIGURATION)
    drill.next()
    drill.next()
    drill.require_mended()


def test_the_database_is_ahead_of_the_program(
    drill: Drill, empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = _newer_program(tmp_path / "newer")
    engine = create_engine(empty_database_url, pool_size=1)
    with monkeypatch.context() as patch:
        patch.setattr(statements, "directory", lambda: newer)
        migrate.upgrade(engine)
    engine.dispose()
    drill.settings |= {"home": tmp_path, "database_url": empty_database_url}
    drill.try_out("push", code=ExitCode.CONFIGURATION)
    drill.require_alarm()

    drill.next()
    drill.next(code=ExitCode.CONFIGURATION)
    monkeypatch.setattr(statements, "directory", lambda: newer)
    drill.next()
    drill.require_mended()


def _newer_program(directory: Path) -> Path:
    """The statements of a version that has one more migration."""
    ours = statements.directory()
    shutil.copytree(ours, directory)
    number = len(migrate.migrations()) + 1
    (directory / "migrations" / f"{number:04}_of_a_later_version.sql").write_text("select 1;\n", encoding="utf-8")
    return directory


@pytest.mark.slow
def test_the_mirror_is_to_be_built_again_from_zero(drill: Drill, ready: Deployment, tmp_path: Path) -> None:
    rig = rig_of(ready)
    before_last, last, changed = (rig.upload(name, colour=n) for n, name in enumerate(("one", "two", "three"), 950))
    ready.sync()
    ready.client.delete_assets([before_last])
    ready.sync()
    edit(ready.engine, EMBLEM, "display_name = 'Ours'")
    rows = "select id, asset_id, public_id, display_name, deleted_at is null from media_assets order by id"
    kept = {row[0]: row for row in rig.query(rows)}
    history = rig.query("select id, asset_id, row_version from media_sync_log order by id")
    # Somebody wrote where nobody may, and since the last sync an asset was deleted, another one changed.
    with ready.engine.begin() as connection:
        connection.exec_driver_sql("update mirror.remote_asset set tags = '{nonsense}', fingerprint = sha256('x')")
    ready.client.delete_assets([last])
    ready.client.update(changed, display_name="Changed")
    drill.try_out("drift", code=ExitCode.DRIFT)
    drill.require_alarm()

    script = tmp_path / "rebuild.sql"
    script.write_text(drill.entry.sql, encoding="utf-8")
    drill.next(FILE=script)
    drill.next()
    drill.try_out("push", code=0)
    drill.next()
    drill.require_mended()

    after = {row[0]: row for row in rig.query(rows)}
    assert set(after) == set(kept)
    differing = {after[one][2]: (kept[one][3:], after[one][3:]) for one in kept if kept[one] != after[one]}
    assert differing == {"two": (("two", True), ("two", False)), "three": (("three", True), ("Changed", True))}
    assert rig.query("select id, asset_id, row_version from media_sync_log order by id")[: len(history)] == history
    assert rig.query("select state from outbox.operation") == [("done",)]
