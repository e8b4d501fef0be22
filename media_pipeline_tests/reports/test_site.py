"""The site over the reports: what lies there is shown, nothing else is, and a page can do nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_pipeline.reports import site
from media_pipeline.reports.files import PAGE, Report, Table, Written, write
from media_pipeline.settings import Settings, load

NOW = datetime(2026, 11, 30, 4, 15, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(home=tmp_path / "home")


class Browser:
    """Asks the site without a server between; follows no redirect."""

    def __init__(self, settings: Settings, base_url: str = "http://127.0.0.1:3090") -> None:
        self._transport = httpx.ASGITransport(site.application(settings))
        self._base_url = base_url

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url=self._base_url) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)


@pytest.fixture
def browser(settings: Settings) -> Browser:
    return Browser(settings)


def make(settings: Settings, name: str = "sample", *, run_id: int = 1) -> Written:
    table = Table("cells", "Cells", ("cell",), [["=1"]], "None.")
    at = NOW + timedelta(hours=run_id)
    return write(Report(name, f"A {name}", "Lead.", tables=(table,)), settings, run_id=run_id, now=at)


def test_without_reports_the_list_says_how_to_make_some(browser: Browser) -> None:
    answer = browser.get("/")

    assert answer.status_code == 200
    assert "No reports yet" in answer.text


def test_the_list_shows_the_newest_of_each_and_leads_to_the_earlier_ones(settings: Settings, browser: Browser) -> None:
    made = [make(settings), make(settings, run_id=2), make(settings, "other", run_id=3)]
    page = browser.get("/").text
    addresses = re.findall(r'<a href="([^"]+)"', page)

    assert addresses == [f"{made[2].directory}/", f"{made[1].directory}/", "sample/"]
    assert "1 earlier" in page
    earlier = browser.get("/sample/").text
    assert re.findall(r'<a href="\.\./(sample[^"]+)"', earlier) == [f"{one.directory}/" for one in (made[1], made[0])]
    assert all(browser.get(f"/{address}").status_code == 200 for address in addresses)


@pytest.mark.parametrize(
    ("file", "type_", "is_attachment"),
    [
        ("", "text/html; charset=utf-8", False),
        (PAGE, "text/html; charset=utf-8", False),
        ("cells.csv", "text/csv; charset=utf-8", True),
        ("sample.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", True),
        ("report.json", "application/json", False),
        ("other.svg", "application/octet-stream", True),
    ],
)
def test_a_file_has_its_type_and_strict_headers(
    settings: Settings, browser: Browser, file: str, type_: str, is_attachment: bool
) -> None:
    directory = make(settings).path(settings).parent
    (directory / "other.svg").write_text("<svg onload='alert(1)'/>")
    answer = browser.get(f"/sample/latest/{file}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, type_)
    assert answer.headers.get("content-disposition", "").startswith("attachment") is is_attachment
    assert answer.content == (directory / (file or PAGE)).read_bytes()


@pytest.mark.parametrize("path", ["/", "/sample/latest/", "/sample/latest/cells.csv", "/missing", "/sample/", "/.x"])
def test_every_answer_has_headers_that_forbid_everything_else(settings: Settings, browser: Browser, path: str) -> None:
    make(settings)
    headers = browser.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    rule = headers["content-security-policy"]
    assert rule.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in rule
    assert "unsafe" not in rule
    assert "script-src" not in rule
    assert "server" not in headers


def test_the_rule_allows_the_style_that_the_page_has_also_one_of_an_older_version(
    settings: Settings, browser: Browser
) -> None:
    path = make(settings).path(settings)
    page = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"<style>.*?</style>", "<style>p { color: red }</style>", page, flags=re.DOTALL))
    digest = base64.b64encode(hashlib.sha256(b"p { color: red }").digest()).decode()

    assert (
        f"style-src 'sha256-{digest}'; img-src data:"
        in browser.get("/sample/latest/").headers["content-security-policy"]
    )


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/sample/%2e%2e/%2e%2e/secret",
        "/sample/..%2f..%2fsecret",
        "/%2fetc%2fhostname",
        "//etc/hostname",
        "/sample/latest/%00",
        "/sample/latest/..%5c..%5csecret",
        "/.hidden",
        "/link",
        "/directory_link/secret",
        "/sample/latest/missing.csv",
        "/missing/",
        "/*/",
    ],
)
def test_nothing_outside_of_the_directory_is_shown(settings: Settings, browser: Browser, path: str) -> None:
    make(settings)
    secret = settings.home / "secret"
    secret.write_text("a secret")
    (settings.reports / ".hidden").write_text("a secret")
    (settings.reports / "link").symlink_to(secret)
    (settings.reports / "directory_link").symlink_to(settings.home)
    answer = browser.get(path)

    assert answer.status_code == 404
    assert "a secret" not in answer.text
    assert "All reports" in answer.text


def test_the_server_itself_does_not_tidy_a_path_either(settings: Settings) -> None:
    """A client would resolve the dots before it asks."""
    make(settings)
    (settings.home / "secret").write_text("a secret")
    with serving(settings) as (_, port), socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"GET /../secret HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 404")
    assert b"a secret" not in answer


def test_a_name_that_was_made_to_lead_here_is_refused(settings: Settings, browser: Browser) -> None:
    make(settings)

    assert browser.get("/", headers={"host": "evil.example.com"}).status_code == 400
    assert browser.get("/", headers={"host": "localhost:3090"}).status_code == 200
    known = settings.model_copy(update={"reports_url": "https://reports.example.com/x"})
    assert Browser(known, "http://reports.example.com").get("/").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(settings: Settings, browser: Browser, method: str) -> None:
    make(settings)

    assert browser.request(method, "/sample/latest/").status_code == 405


def test_a_directory_is_shown_under_an_address_with_a_slash_so_that_its_files_are_found(
    settings: Settings, browser: Browser
) -> None:
    make(settings)
    answer = browser.get("/sample/latest")

    assert answer.status_code == 308
    assert answer.headers["location"].endswith("/sample/latest/")


class serving:  # noqa: N801 -- reads like the context that it is
    """The command as a process; gives it and its port."""

    def __init__(self, settings: Settings) -> None:
        self._command = [sys.executable, "-m", "media_pipeline", "reports", "serve", "--port", "0"]
        self._environment = {"MEDIA_PIPELINE_HOME": str(settings.home)}

    def __enter__(self) -> tuple[subprocess.Popen[str], int]:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        found = re.search(r":(\d+)/", said)
        assert found, (said, self._process.communicate(timeout=10))
        return self._process, int(found[1])

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_end(settings: Settings, sign: signal.Signals) -> None:
    make(settings)
    with serving(settings) as (process, port):
        answer = httpx.get(f"http://127.0.0.1:{port}/sample/latest/", trust_env=False, timeout=10)
        process.send_signal(sign)
        _, err = process.communicate(timeout=20)

    assert answer.status_code == 200
    assert (process.returncode, err) == (0, "")
