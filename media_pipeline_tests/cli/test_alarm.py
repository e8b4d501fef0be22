"""``media-pipeline alarm``: silent while changes arrive, loud when they do not, whatever the scheduler does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from media_pipeline.cli import alarm
from media_pipeline.db.engine import transaction
from media_pipeline.errors import ExitCode
from media_pipeline.intake.change_file import Notification
from media_pipeline.intake.spool import Spool
from media_pipeline.reads.lag import Lag, Syncs
from media_pipeline.settings import Settings, load
from media_pipeline.vocabulary import Channel

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def lag(proved_at: datetime | None) -> Lag:
    return Lag(0, 0, 0, None, None, None, None, proved_at, proved_at, NOW)


@pytest.mark.parametrize(
    ("first", "proved", "last", "has_canary", "is_loud"),
    [
        (None, None, None, True, False),  # nothing was ever mirrored
        (NOW - HOUR / 2, None, None, True, False),  # it has just begun
        (NOW - 2 * HOUR, None, NOW, True, True),  # syncs end well, and yet no change is known to arrive
        (NOW - 9 * HOUR, NOW - HOUR / 2, None, True, False),
        (NOW - 9 * HOUR, NOW - 2 * HOUR, NOW, True, True),
        (NOW - 9 * HOUR, None, NOW - HOUR / 2, False, False),
        (NOW - 9 * HOUR, None, NOW - 2 * HOUR, False, True),
        (NOW - 9 * HOUR, None, None, False, True),
    ],
)
def test_the_age_of_the_proof_decides(
    first: datetime | None, proved: datetime | None, last: datetime | None, has_canary: bool, is_loud: bool
) -> None:
    settings = load(canary=has_canary, alarm_after_seconds=3600)

    proved_at, problems = alarm.judge(lag(proved), Syncs(first, last), settings)

    assert bool(problems) is is_loud
    assert proved_at == (proved if has_canary else last)


def test_who_begins_to_watch_gives_it_time() -> None:
    settings = load(alarm_after_seconds=3600)
    syncs = Syncs(NOW - 9 * HOUR, NOW - 8 * HOUR)

    assert alarm.judge(lag(NOW - 8 * HOUR), syncs, settings, since=NOW - HOUR / 2)[1] == []
    assert len(alarm.judge(lag(NOW - 8 * HOUR), syncs, settings, since=NOW - 2 * HOUR)[1]) == 1


@pytest.fixture
def settings(tmp_path: Path, database_url: str, engine: Engine) -> Settings:
    return load(home=tmp_path, database_url=SecretStr(database_url), alarm_after_seconds=3600, spool_reserve_bytes=0)


@pytest.fixture
def chat() -> Iterator[tuple[str, list[str]]]:
    """An address for Apprise, and the messages that came."""
    messages: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["message"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_port}", messages
        server.shutdown()


def mirrored_for(engine: Engine, hours: int) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(
            "insert into ops.run (kind, actor, state, started_at, finished_at) values"
            " ('full_sync', 'cli:test', 'succeeded', now() - make_interval(hours => %(h)s), now())",
            {"h": hours},
        )


# Apprise still looks for a module of Python that ends with 3.13, and does without it where it is gone.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_a_scheduler_that_stopped_is_noticed_and_told(
    settings: Settings, engine: Engine, chat: tuple[str, list[str]]
) -> None:
    """Nothing runs here but the look itself."""
    address, messages = chat
    settings = settings.model_copy(update={"alarm_urls": (SecretStr(address),)})
    assert alarm.command(settings, every_seconds=None, is_json=False) is ExitCode.OK
    mirrored_for(engine, hours=2)

    assert alarm.command(settings, every_seconds=None, is_json=False) is ExitCode.FAILED

    assert len(messages) == 1
    assert "media-pipeline up" in messages[0]


def test_change_files_that_nobody_takes_are_noticed(settings: Settings, engine: Engine) -> None:
    spool = Spool(settings.spool, file_limit=10, reserve_bytes=0)
    spool.prepare()
    spool.put([Notification(b"{}", datetime.now(UTC), Channel.WEBHOOK, {})])
    assert alarm.look(settings).problems == ()

    found = alarm.look(settings.model_copy(update={"alarm_after_seconds": 0.0}))

    assert len(found.problems) == 1
    assert "media-pipeline drain" in found.problems[0]


def test_a_full_spool_is_noticed_at_once(settings: Settings, engine: Engine) -> None:
    spool = Spool(settings.spool, file_limit=10, reserve_bytes=0)
    spool.prepare()
    spool.put([Notification(b"{}", datetime.now(UTC), Channel.WEBHOOK, {})])

    found = alarm.look(settings.model_copy(update={"spool_file_limit": 1}))

    assert len(found.problems) == 1
    assert found.problems[0].startswith("The spool is full: 1 change files wait. ")
    assert found.spool is not None


def test_a_spool_that_cannot_be_read_is_noticed(settings: Settings, engine: Engine) -> None:
    settings.spool.write_text("no directory")

    (problem,) = alarm.look(settings).problems

    assert problem.startswith("The spool cannot be used: ")
    assert "MEDIA_PIPELINE_SPOOL" in problem


def test_a_database_that_is_away_is_a_finding(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": SecretStr("postgresql://nobody@127.0.0.1:1/none")})

    found = alarm.look(away)

    assert found.exit_code is ExitCode.FAILED
    assert found.problems[0].startswith("The database cannot be asked: ")
    assert "nobody" not in found.problems[0]
