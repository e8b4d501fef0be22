"""A database that went back in time pushes nothing until a person has looked."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from media_pipeline.db.engine import create_engine
from media_pipeline.errors import ConfigurationError, IncarnationUnconfirmed
from media_pipeline.ops import incarnation
from media_pipeline_tests.database import Postgres
from media_pipeline_tests.push.conftest import PushRig

WRITES = {"POST", "PUT", "DELETE"}


@pytest.fixture
def rig(rig: PushRig) -> PushRig:
    for number, name in enumerate("abc"):
        rig.upload(name, colour=number)
    rig.sync()
    return rig


def require_no_write(rig: PushRig) -> None:
    assert [entry.path for entry in rig.control.journal() if entry.method in WRITES] == []


def test_an_older_copy_pushes_nothing_until_it_is_confirmed(rig: PushRig, postgres: Postgres) -> None:
    """The deletion is done, and somebody uploads the picture again; the dump from before still wants it deleted."""
    rig.edit("b", "tags = array['first']")
    rig.push()
    rig.delete("a")
    rig.engine.dispose()
    here = rig.engine
    with postgres.database(template=make_url(str(here.url)).database or "") as url:
        rig.push()
        rig.engine = create_engine(url)
        rig.control.clear_journal()

        with pytest.raises(IncarnationUnconfirmed, match="older"):
            rig.push()
        require_no_write(rig)
        assert {kind for kind, state in rig.operations() if state == "pending"} == {"delete"}

        assert incarnation.hint_unfinished(rig.engine) == 1
        rig.confirm()
        incarnation.confirm(rig.engine, rig.settings.home, actor="cli:test")
        rig.push()
        assert rig.differences() == []
        assert rig.query("select actor from media_sync_log where action = 'incarnation_confirmed'") == [("cli:test",)]
        rig.engine.dispose()
    rig.engine = here
    # What was left behind is now the copy that must not push.
    with pytest.raises(IncarnationUnconfirmed, match="another database"):
        rig.push()


def test_syncs_of_an_older_copy_do_not_make_it_the_newer_one(rig: PushRig, postgres: Postgres) -> None:
    """Schedules go on after a restoration: each read moves the logical clock, past that of the lost database, too."""
    rig.delete("a")
    rig.engine.dispose()
    here = rig.engine
    with postgres.database(template=make_url(str(here.url)).database or "") as url:
        rig.push()
        rig.engine = create_engine(url)
        for _ in range(3):
            rig.sync()
        rig.control.clear_journal()

        with pytest.raises(IncarnationUnconfirmed, match="older"):
            rig.push()

        require_no_write(rig)
        rig.engine.dispose()
    rig.engine = here


def test_another_database_pushes_nothing(rig: PushRig) -> None:
    rig.edit("b", "tags = array['first']")
    rig.push()
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("update ops.cloud_binding set incarnation = gen_random_uuid()")
    rig.edit("c", "tags = array['second']")
    rig.control.clear_journal()

    with pytest.raises(IncarnationUnconfirmed, match="another database"):
        rig.push()

    require_no_write(rig)


def test_a_memory_that_cannot_be_read_is_said(rig: PushRig) -> None:
    rig.edit("b", "tags = array['first']")
    rig.push()
    Path(rig.settings.home, "incarnation.json").write_text("{")

    with pytest.raises(ConfigurationError, match=r"incarnation\.json"):
        rig.push()

    incarnation.confirm(rig.engine, rig.settings.home, actor="cli:test")
    rig.push()
