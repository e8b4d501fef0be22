"""The system's Chromium, driven by Playwright.

Belongs here: starting it, and what every page has to keep: no word to anybody but us, nothing that its rule refuses.
Not here: the pages (``test_*``).

``make test-browser`` installs Chromium where it is missing and can be installed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(slots=True)
class Watched:
    """A page, what it asked of whom, and what it complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def require_peace(self, *hosts: str) -> None:
        """Nobody was asked but *hosts*, and the browser refused nothing of the page."""
        assert [one for one in self.asked if urlsplit(one).hostname not in {*hosts, None}] == []
        assert self.complaints == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        raise FileNotFoundError("There is no Chromium; 'make test-browser' installs it where it may.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield started
        started.close()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    found = Watched(context.new_page())

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            found.complaints.append(message.text)

    def count(request: Request) -> None:
        if not request.url.startswith("data:"):
            found.asked.append(request.url)

    found.page.on("console", note)
    found.page.on("request", count)
    yield found
    context.close()
