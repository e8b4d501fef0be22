"""The embedded server: made, shared, found again after a crash, stopped by the last user, refused with a reason."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
import sqlalchemy

from media_pipeline.db.embedded import EmbeddedServer, database
from media_pipeline.db.engine import DAGSTER_DRIVER, SQLALCHEMY_DRIVER, normalize_url
from media_pipeline.errors import EmbeddedServerError
from media_pipeline.settings import Settings, child_environment

_USE_UNTIL_TOLD = """
import sys
from pathlib import Path
from media_pipeline.db.embedded import EmbeddedServer

with EmbeddedServer(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A short directory of one test; a server that a failed test left in it is stopped."""
    with tempfile.TemporaryDirectory(prefix="mp-", ignore_cleanup_errors=True) as directory:
        path = Path(directory) / "home"
        yield path
        for postmaster in _postmasters(path):
            postmaster.send_signal(signal.SIGQUIT)
            postmaster.wait(30)


@contextmanager
def _other_process(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the server until it reads a line, or is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", _USE_UNTIL_TOLD, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        yield process


def _postmasters(home: Path) -> list[psutil.Process]:
    data = str((home / "postgres").resolve())
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            # Its children stand in the same directory.
            if process.name() == "postgres" and process.cwd() == data and "-D" in process.cmdline():
                found.append(process)
    return found


def _ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def test_the_first_start_makes_a_server_with_our_database_and_settings(home: Path) -> None:
    with EmbeddedServer(home) as server:
        assert _ask(server.url, "select current_database()") == "media_pipeline"
        settings = {
            name: _ask(server.url, f"show {name}")
            for name in (
                "server_encoding",
                "jit",
                "synchronous_commit",
                "fsync",
                "max_connections",
                "listen_addresses",
            )
        }
        is_recent = _ask(server.url, "select current_setting('server_version_num')::int >= 180000")

    assert is_recent
    assert settings == {
        "server_encoding": "UTF8",
        "jit": "off",
        "synchronous_commit": "on",
        "fsync": "on",
        "max_connections": "60",
        "listen_addresses": "",
    }
    assert _postmasters(home) == []


def test_rows_stay_when_the_server_stops(home: Path) -> None:
    with EmbeddedServer(home) as server, psycopg.connect(server.url) as connection:
        connection.execute("create table kept as select 7 as number")
    with EmbeddedServer(home) as server:
        assert _ask(server.url, "select number from kept") == 7


@pytest.mark.parametrize("driver", [SQLALCHEMY_DRIVER, DAGSTER_DRIVER])
def test_both_drivers_reach_it(home: Path, driver: str) -> None:
    with EmbeddedServer(home) as server:
        engine = sqlalchemy.create_engine(normalize_url(server.url, driver), poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text("select 1")).scalar_one() == 1


@pytest.mark.parametrize("name", ["with space, comma", "quote'quote", "größe%20#?&+;", "x" * 150])
def test_any_usual_path_will_do(home: Path, name: str) -> None:
    odd = home / name
    with EmbeddedServer(odd) as server:
        for driver in (SQLALCHEMY_DRIVER, DAGSTER_DRIVER):
            engine = sqlalchemy.create_engine(normalize_url(server.url, driver), poolclass=sqlalchemy.NullPool)
            with engine.connect() as connection:
                found = connection.execute(sqlalchemy.text("select current_setting('data_directory')")).scalar_one()
            assert found == str(odd / "postgres")
        socket = Path(str(_ask(server.url, "show unix_socket_directories")).strip('"').replace('""', '"'))
    if socket != odd / "postgres":
        shutil.rmtree(socket)


@pytest.mark.parametrize("character", ['"', "$", "`", "\\"])
def test_a_path_that_a_shell_would_read_otherwise_is_refused(home: Path, character: str) -> None:
    with pytest.raises(EmbeddedServerError, match="pg_ctl cannot handle"):
        EmbeddedServer(home / f"a{character}b").start()


def test_the_last_of_two_users_stops_the_server(home: Path) -> None:
    first, second = EmbeddedServer(home), EmbeddedServer(home)
    first.start()
    second.start()
    first.stop()
    assert _ask(second.url, "select 1") == 1
    second.stop()

    assert _postmasters(home) == []


def test_a_user_in_another_process_keeps_the_server(home: Path) -> None:
    with EmbeddedServer(home) as server, _other_process(home) as process:
        url = server.url
        server.stop()
        assert _ask(url, "select 1") == 1
        process.communicate("leave\n", timeout=60)

    assert _postmasters(home) == []


def test_many_starts_at_once_make_one_server(home: Path) -> None:
    servers = [EmbeddedServer(home) for _ in range(4)]
    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(EmbeddedServer.start, servers))
        assert len(_postmasters(home)) == 1
        assert [_ask(server.url, "select 1") for server in servers] == [1] * 4
        list(pool.map(EmbeddedServer.stop, servers))

    assert _postmasters(home) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_of_a_killed_process_is_found_and_then_stopped(home: Path, how: signal.Signals) -> None:
    with _other_process(home) as process:
        process.send_signal(how)
        process.wait()
        [left] = _postmasters(home)

    with EmbeddedServer(home) as server:
        assert _ask(server.url, "select 1") == 1
        assert _postmasters(home) == [left]

    assert _postmasters(home) == []


def test_a_killed_user_does_not_keep_the_server(home: Path) -> None:
    with EmbeddedServer(home), _other_process(home) as process:
        process.kill()
        process.wait()

    assert _postmasters(home) == []


def test_a_server_that_crashed_under_its_users_is_started_again(home: Path) -> None:
    with EmbeddedServer(home) as survivor:
        with psycopg.connect(survivor.url) as connection:
            connection.execute("create table kept as select 7 as number")
        [postmaster] = _postmasters(home)
        postmaster.kill()
        postmaster.wait(30)
        with EmbeddedServer(home) as server:
            assert _ask(server.url, "select number from kept") == 7
        assert _ask(survivor.url, "select number from kept") == 7


@pytest.mark.parametrize("pid", ["of nobody", "of another program", "cut short"])
def test_a_left_over_pid_file_is_no_obstacle(home: Path, pid: str) -> None:
    pid_file = home / "postgres" / "postmaster.pid"
    with EmbeddedServer(home):
        lines = pid_file.read_text().splitlines()
    with subprocess.Popen(["sleep", "600"], user=_server_user()) as another:
        number = str(another.pid) if pid == "of another program" else "4194000"
        pid_file.write_text("" if pid == "cut short" else "\n".join([number, *lines[1:]]) + "\n")
        shutil.chown(pid_file, pid_file.parent.stat().st_uid)
        try:
            with EmbeddedServer(home) as server:
                assert _ask(server.url, "select 1") == 1
            assert another.poll() is None
        finally:
            another.kill()


def test_half_a_data_directory_of_a_crash_is_made_anew(home: Path) -> None:
    (home / "postgres.new" / "base").mkdir(parents=True)
    with EmbeddedServer(home) as server:
        assert _ask(server.url, "select 1") == 1

    assert not (home / "postgres.new").exists()


def test_the_directory_of_another_version_is_left_alone(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    (home / "postgres" / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedServerError, match="made by PostgreSQL 16") as refused:
        EmbeddedServer(home).start()
    assert "PostgreSQL 16" in refused.value.hint


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_what_is_no_data_directory_is_left_alone(home: Path, kind: str) -> None:
    taken = home / "postgres"
    home.mkdir()
    if kind == "file":
        taken.write_text("a letter")
    else:
        taken.mkdir()
        (taken / "letter.txt").write_text("a letter")

    with pytest.raises(EmbeddedServerError, match="is not a Postgres data directory") as refused:
        EmbeddedServer(home).start()
    assert "MEDIA_PIPELINE_HOME" in refused.value.hint
    assert taken.read_text() == "a letter" if kind == "file" else (taken / "letter.txt").exists()


def test_a_home_that_cannot_be_made_is_refused(home: Path) -> None:
    home.write_text("a letter")

    with pytest.raises(EmbeddedServerError, match="cannot be written") as refused:
        EmbeddedServer(home).start()
    assert "MEDIA_PIPELINE_HOME" in refused.value.hint


def test_a_server_that_does_not_start_says_why(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    with (home / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")

    with pytest.raises(EmbeddedServerError, match="pg_ctl failed") as refused:
        EmbeddedServer(home).start()
    assert "no_such_setting" in refused.value.hint
    EmbeddedServer(home).stop()


def test_a_socket_directory_that_others_may_enter_is_refused(home: Path) -> None:
    long = home / ("x" * 150)
    with EmbeddedServer(long) as server:
        socket = Path(str(_ask(server.url, "show unix_socket_directories")).strip('"'))
    socket.chmod(0o777)
    try:
        with pytest.raises(EmbeddedServerError, match="belongs to someone else"):
            EmbeddedServer(long).start()
    finally:
        shutil.rmtree(socket)


def test_the_data_and_the_socket_are_closed_to_other_users(home: Path) -> None:
    with EmbeddedServer(home):
        assert (home / "postgres").stat().st_mode & 0o077 == 0


def test_the_url_is_refused_while_not_started(home: Path) -> None:
    server = EmbeddedServer(home)
    with pytest.raises(EmbeddedServerError, match="not started"):
        _ = server.url
    server.stop()


def test_the_configured_database_is_used_as_it_is(home: Path) -> None:
    settings = Settings(home=home, database_url="postgresql://u@db.example/media")  # type: ignore[arg-type]
    with database(settings) as url:
        assert url == "postgresql://u@db.example/media"

    assert not home.exists()


def test_without_a_configured_database_the_embedded_one_is_used(home: Path) -> None:
    with database(Settings(home=home, database_url=None)) as url:
        assert _ask(url, "select current_setting('data_directory')") == str(home / "postgres")

    assert _postmasters(home) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="as an ordinary user every other test here shows it")
def test_an_ordinary_user_needs_no_root(home: Path) -> None:
    account = pwd.getpwnam("nobody")
    try:
        subprocess.run([sys.executable, "-c", ""], user=account.pw_uid, group=account.pw_gid, check=True)
    except (PermissionError, subprocess.CalledProcessError):
        pytest.skip("the interpreter is in a directory that only root may enter")
    home.parent.chmod(0o755)
    home.mkdir()
    os.chown(home, account.pw_uid, account.pw_gid)
    done = subprocess.run(
        [sys.executable, "-c", _USE_UNTIL_TOLD, str(home)],
        input="leave\n",
        capture_output=True,
        text=True,
        user=account.pw_uid,
        group=account.pw_gid,
        env=child_environment(HOME=str(home)),
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (home / "postgres").stat().st_uid == account.pw_uid
    with pytest.raises(EmbeddedServerError, match="was not made by root"):
        EmbeddedServer(home).start()


def _server_user() -> int | None:
    return pwd.getpwnam("pgserver").pw_uid if os.geteuid() == 0 else None
