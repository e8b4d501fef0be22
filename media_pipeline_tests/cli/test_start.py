"""What every command has in common: quick imports, exit codes, errors, JSON."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from media_pipeline import __version__
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import REPOSITORY, Call, environment

HEAVY = (
    "alembic",
    "cloudinary",
    "dagster",
    "httpx",
    "PIL",
    "psycopg",
    "pydantic",
    "sqlalchemy",
    "starlette",
    "uvicorn",
)


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    script = "import sys, media_pipeline.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], env=environment({}), capture_output=True, text=True, check=True
    ).stdout.split()
    assert "media_pipeline.cli.app" in loaded
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        *((name,) for name in ("sync", "push", "status", "doctor", "drift", "migrate", "up", "demo", "emulator")),
        *((group,) for group in ("holds", "plan", "conflicts")),
        ("plan", "approve"),
        ("conflicts", "resolve"),
    ],
)
def test_help_of_every_command_needs_no_settings(call: Call, arguments: tuple[str, ...]) -> None:
    ended = call(*arguments, "--help", environment="nonsense")
    assert ended.code == 0
    assert "Usage: media-pipeline" in ended.out


def test_the_version_is_printed(call: Call) -> None:
    assert call("--version").out == f"media-pipeline {__version__}\n"


def test_docs_list_exactly_the_exit_codes_of_the_program() -> None:
    text = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    documented = {int(code): name for code, name in re.findall(r"(?m)^\| (\d+) \| ([A-Z]+) \|", text)}
    assert documented == {code.value: code.name for code in ExitCode}


def test_docs_name_every_command(call: Call) -> None:
    text = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    from media_pipeline.cli.app import app

    commands = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert [name for name in commands if not re.search(rf"(?m)^\| .*`{name}[ `]", text)] == []
    groups = {str(group.name): group.typer_instance for group in app.registered_groups}
    assert {"holds", "plan", "conflicts"} <= set(groups)
    for group, its_app in groups.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{group} ")]
        for command in its_app.registered_commands if its_app else ():
            assert re.search(rf"`({group} )?{command.name}( N)?[` ]", row), f"{group} {command.name}"


def test_no_command_has_an_option_that_forces_anything(call: Call) -> None:
    """A guard is passed by approving what it holds, and by nothing else."""
    from typer.main import get_command

    from media_pipeline.cli.app import app

    waiting, options = [get_command(app)], set[str]()
    while waiting:
        one = waiting.pop()
        options |= {name for parameter in one.params for name in parameter.opts}
        waiting += list(getattr(one, "commands", {}).values())

    assert {"--dry-run", "--json", "--yes"} <= options
    assert [name for name in options if "force" in name or "skip" in name] == []
    assert call("sync", "--force").code == ExitCode.USAGE


def test_an_unknown_command_ends_with_the_code_for_wrong_usage(call: Call) -> None:
    assert call("nonsense").code == ExitCode.USAGE


def test_a_wrong_setting_is_told_with_what_to_do_next(call: Call) -> None:
    ended = call("status", apply_workers=99)
    assert ended.code == ExitCode.CONFIGURATION
    assert ended.out == ""
    assert "MEDIA_PIPELINE_APPLY_WORKERS" in ended.err
    assert "docs/settings.md" in ended.err


def test_with_json_an_error_is_the_one_object(call: Call) -> None:
    ended = call("status", "--json", database_url="mysql://u:hidden@h/x")
    assert ended.code == ExitCode.CONFIGURATION
    error = ended.json["error"]
    assert (error["kind"], error["exit_code"]) == ("ConfigurationError", 78)
    assert error["message"] in ended.err
    assert "hidden" not in ended.out + ended.err


def test_a_malformed_cloud_is_told_before_any_call(call: Call, tmp_path: Path) -> None:
    ended = call("sync", "--json", home=tmp_path, cloudinary_url="https://example.org")
    assert ended.code == ExitCode.CONFIGURATION
    assert "cloudinary://" in ended.json["error"]["message"]


class TestAnUnexpectedError:
    @pytest.fixture(autouse=True)
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> NoReturn:
            raise RuntimeError("no luck with postgresql://someone:hidden@host/x\nsecond line")

        monkeypatch.setattr("media_pipeline.cli.status.command", fail)

    def test_is_told_in_one_line_without_secrets(self, call: Call) -> None:
        ended = call("status")
        assert ended.code == ExitCode.FAILED
        assert "Unexpected RuntimeError: no luck with postgresql://someone:***@host/x" in ended.err
        assert "--verbose" in ended.err
        assert "Traceback" not in ended.err
        assert "hidden" not in ended.err
        assert "second line" not in ended.err

    def test_shows_its_traceback_with_verbose(self, call: Call) -> None:
        ended = call("--verbose", "status")
        assert ended.code == ExitCode.FAILED
        assert "Traceback" in ended.err
        assert "hidden" not in ended.err
