"""A database whose owner is no superuser, as hosted Postgres gives it, and a user who only runs the program."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from media_pipeline import audit, upkeep
from media_pipeline.db import locks, migrate
from media_pipeline.db.embedded import EmbeddedServer
from media_pipeline.db.engine import create_engine, transaction
from media_pipeline.errors import DatabaseError
from media_pipeline.progress import Silent


@pytest.fixture
def owner_url() -> Iterator[str]:
    """Address of an empty database; its owner may make roles. A server of its own, since roles belong to servers."""
    with tempfile.TemporaryDirectory(prefix="mp-test-") as home, EmbeddedServer(Path(home)) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("create role landlord login createrole")
            connection.execute("create database rented owner landlord")
        yield make_url(server.url).set(username="landlord", database="rented").render_as_string()


def _script(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(migrate.offline_script().encode())


def _program(url: str) -> None:
    engine = create_engine(url, pool_size=1)
    migrate.upgrade(engine)
    engine.dispose()


def _look_after(engine: Engine, archive: Path) -> None:
    """Upkeep: the month of an empty log is archived by whoever owns it, for whoever asks."""
    with psycopg.connect(engine.url.set(drivername="postgresql", username="landlord").render_as_string()) as owner:
        owner.execute(
            "create table audit.media_sync_log_2020_01 partition of public.media_sync_log"
            " for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00')"
        )
    kept = upkeep.keep_log(engine, archive, log_retention_days=400, holder="a test", progress=Silent())
    assert [one.month for one in kept.archived] == ["2020-01"]
    assert audit.verify(engine, archive=archive).is_whole
    upkeep.remove_done_work(engine, retention_days=30, holder="a test", progress=Silent())


@pytest.mark.parametrize("road", [_program, _script])
def test_an_owner_without_superuser_rights_can_migrate_and_write(
    owner_url: str, road: Callable[[str], None], tmp_path: Path
) -> None:
    road(owner_url)
    engine = create_engine(owner_url, pool_size=2)
    migrate.require_current(engine)
    with locks.activity(engine, "apply", holder="the owner") as fence, transaction(engine) as connection:
        fence.check(connection)
    _look_after(engine, tmp_path)
    engine.dispose()


def test_a_user_without_any_right_is_told_what_is_missing(owner_url: str) -> None:
    _program(owner_url)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("create role stranger login")
    engine = create_engine(make_url(owner_url).set(username="stranger").render_as_string(), pool_size=1)

    with pytest.raises(DatabaseError, match="may not use this database") as refused:
        migrate.require_current(engine)
    engine.dispose()
    assert "grant media_sync" in refused.value.hint


def test_a_member_of_both_roles_can_run_the_program(owner_url: str, tmp_path: Path) -> None:
    _program(owner_url)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("create role tenant login in role media_sync, media_upkeep")
    engine = create_engine(make_url(owner_url).set(username="tenant").render_as_string(), pool_size=2)

    migrate.require_current(engine)
    with locks.activity(engine, "apply", holder="the tenant") as fence, transaction(engine) as connection:
        fence.check(connection)
    _look_after(engine, tmp_path)
    engine.dispose()
