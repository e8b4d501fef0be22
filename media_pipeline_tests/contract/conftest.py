"""The cloud that the tests of Cloudinary's behaviour ask: an emulator, or with ``--live`` that of ``CLOUDINARY_URL``.

Belongs here: reaching it, names below one random prefix, removing everything below it afterwards.
Not here: what it is asked.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import cloudinary  # type: ignore[import-untyped]
import cloudinary.api  # type: ignore[import-untyped]
import cloudinary.exceptions  # type: ignore[import-untyped]
import cloudinary.search  # type: ignore[import-untyped]
import cloudinary.search_folders  # type: ignore[import-untyped]
import cloudinary.uploader  # type: ignore[import-untyped]
import pytest

from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline_tests.emulator.material import picture

_SLICES = [(kind, type_) for kind in ("image", "raw", "video") for type_ in ("upload", "private", "authenticated")]
# How long a live cloud may take to index, to move folders, to send.
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 2.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--live", action="store_true", help="run the contract with Cloudinary against the cloud of CLOUDINARY_URL"
    )


class Cloud:
    """One cloud behind the official SDK.

    Attributes:
        prefix: Everything a test makes lies below it: public ids, folders, channels.
        control: Of the emulator; None on a live cloud.
    """

    api = cloudinary.api
    uploader = cloudinary.uploader
    errors = cloudinary.exceptions

    def __init__(self, prefix: str, control: ControlClient | None) -> None:
        self.prefix = prefix
        self.control = control
        self._backed_up: set[str] = set()
        self._triggers: list[str] = []

    def name(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def upload(self, name: str, data: bytes | None = None, **options: Any) -> dict[str, Any]:
        """Upload a small picture, or the bytes given, under a name below the prefix."""
        document: dict[str, Any] = self.uploader.upload(
            picture() if data is None else data, public_id=self.name(name), **options
        )
        if options.get("backup"):
            self._backed_up.add(document["asset_id"])
        return document

    def search(self, expression: str) -> Any:
        return cloudinary.search.Search().expression(expression)

    def search_folders(self, expression: str) -> Any:
        return cloudinary.search_folders.SearchFolders().expression(expression)

    def found(self, expression: str, count: int, **options: Any) -> dict[str, Any]:
        """A page of a search, once the index knows of so many assets."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            search = self.search(expression)
            for option, value in options.items():
                getattr(search, option)(value)
            page: dict[str, Any] = search.execute()
            if page["total_count"] == count or self.control is not None or time.monotonic() > until:
                return page
            time.sleep(_LOOK_SECONDS)

    def let_a_second_pass(self) -> None:
        """Times in answers are whole seconds: what happens afterwards has another one."""
        if self.control is None:
            time.sleep(_LOOK_SECONDS)
        else:
            self.control.set_clock_offset(self.control.settings().clock_offset_seconds + _LOOK_SECONDS)

    def listen(self) -> None:
        """From now on messages are kept for `told`."""
        trigger = self.api.create_trigger(f"poll://{self.prefix}", "all", uri_type="poll")
        self._triggers.append(trigger["id"])

    def told(self, count: int) -> list[dict[str, Any]]:
        """Messages about what lies below the prefix, acknowledged: so many, and whatever comes soon after them.

        On a live cloud a wait for messages that do not come lasts a minute.
        """
        found: list[dict[str, Any]] = []
        look_seconds = 10 if self.control is None else 0
        until = time.monotonic() + (_PATIENCE_SECONDS if self.control is None else 0)
        while True:
            answer = self.api.notifications(channel=self.prefix, max_messages=100, wait_seconds=look_seconds)
            messages = answer.get("messages", [])
            if messages:
                self.api.ack_notifications([message["receipt_handle"] for message in messages])
            found += [m["payload"] for m in messages if self.prefix in json.dumps(m["payload"])]
            if not messages and (0 < count <= len(found) or time.monotonic() > until):
                return found

    def clean(self) -> None:
        """Remove triggers, assets, backups and folders below the prefix; one failure does not keep the rest."""
        with ExitStack() as last_first:
            last_first.callback(self._delete_folder)
            for asset_id in self._backed_up:
                last_first.callback(self._delete_backups, asset_id)
            for kind, type_ in _SLICES:
                last_first.callback(self._delete_assets, kind, type_)
            while self._triggers:
                last_first.callback(self.api.delete_trigger, self._triggers.pop())

    def _delete_assets(self, kind: str, type_: str) -> None:
        # By their ids: nothing outside the prefix can be meant, whatever the prefix is.
        slice_: dict[str, Any] = {"resource_type": kind, "type": type_}
        query = {**slice_, "prefix": f"{self.prefix}/", "max_results": 100}
        page = self.api.resources(**query)
        while page["resources"]:
            self.api.delete_resources([asset["public_id"] for asset in page["resources"]], **slice_)
            if "next_cursor" not in page:
                return
            page = self.api.resources(**query, next_cursor=page["next_cursor"])

    def _delete_backups(self, asset_id: str) -> None:
        with suppress(self.errors.NotFound):
            versions = self.api.resource_by_asset_id(asset_id, versions=True).get("versions", [])
            self.api.delete_backed_up_assets(asset_id, [version["version_id"] for version in versions])

    def _delete_folder(self) -> None:
        with suppress(self.errors.NotFound):
            self.api.delete_folder(self.prefix)


@pytest.fixture(scope="session")
def reached_cloud(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, ControlClient | None]]:
    """A value for ``CLOUDINARY_URL``, and the control of the emulator if it is one."""
    if request.config.getoption("--live", default=False):
        url = os.environ.get("CLOUDINARY_URL", "")
        if not url:
            raise pytest.UsageError("--live needs CLOUDINARY_URL")
        yield url, None
        return
    with ExitStack() as stack:
        config = EmulatorConfig(tmp_path_factory.mktemp("contract"), "contract")
        endpoints = stack.enter_context(EmulatorThread(config)).endpoints
        yield endpoints.cloudinary_url, stack.enter_context(ControlClient(endpoints))


@pytest.fixture
def cloud(reached_cloud: tuple[str, ControlClient | None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The cloud, with a prefix of its own that is empty before the test and after it."""
    url, control = reached_cloud
    if control is not None:
        control.reset()
    monkeypatch.setenv("CLOUDINARY_URL", url)
    cloudinary.reset_config()
    cloud = Cloud(f"media-pipeline-contract-{secrets.token_hex(6)}", control)
    try:
        yield cloud
    finally:
        cloud.clean()
