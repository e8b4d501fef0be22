"""The client against the emulator: whole lives of assets, and every kind of trouble the emulator can make.

Belongs here: what needs a Cloudinary that remembers. Not here: bytes of requests (``test_remote_calls``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.errors import (
    CursorRejected,
    RateLimited,
    RemoteError,
    RemoteMalformed,
    RemoteNotFound,
    RemoteOutcomeUnknown,
    RemoteRefused,
    RemoteRejectedKey,
    RemoteUnavailable,
    WrongCloud,
)
from media_pipeline.remote.calls import RawPage, TagCommand, UnlimitedBudget, WrittenAsset
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.key_report import describe_key
from media_pipeline.settings import CloudCredentials, Settings
from media_pipeline.vocabulary import AssetId, ResourceType, Slice
from media_pipeline_tests.contract.remote_host import CountingBudget

RAW = Slice(ResourceType.RAW, "upload")
UNKNOWN_ID = AssetId("0" * 32)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorThread]:
    with EmulatorThread(EmulatorConfig(tmp_path_factory.mktemp("emulator"), "remote")) as emulator:
        yield emulator


@pytest.fixture
def control(running: EmulatorThread) -> Iterator[ControlClient]:
    with ControlClient(running.endpoints) as control:
        control.reset()
        yield control


@pytest.fixture
def connect(running: EmulatorThread, control: ControlClient) -> Iterator[Callable[..., CloudinaryClient]]:
    """Make clients of the emulator; named parameters are settings, or of the client itself."""
    clients: list[CloudinaryClient] = []

    def make(
        *, refuse_emulator: bool = False, secret: str | None = None, budget: Any = None, **settings: Any
    ) -> CloudinaryClient:
        credentials = CloudCredentials.parse(running.endpoints.cloudinary_url)
        if secret is not None:
            credentials.api_secret = secret
        client = CloudinaryClient(
            credentials,
            settings=Settings(**{"retries": 2, "retry_base_seconds": 0.001, **settings}),
            budget=budget or UnlimitedBudget(),
            refuse_emulator=refuse_emulator,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Callable[..., CloudinaryClient]) -> CloudinaryClient:
    return connect()


def _store(client: CloudinaryClient, public_id: str, content: bytes = b"text", **fields: Any) -> WrittenAsset:
    return client.upload(
        content,
        public_id=public_id,
        resource_type=ResourceType.RAW,
        delivery_type="upload",
        overwrite=fields.pop("overwrite", False),
        **fields,
    )


def _resources(page: RawPage) -> list[dict[str, Any]]:
    resources = json.loads(page.body)["resources"]
    assert isinstance(resources, list)
    return resources


def test_a_walk_finds_what_was_uploaded_and_ends_without_a_cursor(client: CloudinaryClient) -> None:
    stored = {_store(client, f"walk/{number}.txt").asset_id for number in range(5)}
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while True:
        page = client.list_page(RAW, cursor=cursor, page_size=2)
        pages += 1
        seen += [resource["asset_id"] for resource in _resources(page)]
        cursor = json.loads(page.body).get("next_cursor")
        if cursor is None:
            break
    assert (pages, len(seen), set(seen)) == (3, 5, stored)


def test_an_asset_lives_and_dies(client: CloudinaryClient) -> None:
    asset = _store(client, "life/a.txt", tags=["one", "two"], asset_folder="life", display_name="A")
    changed = client.change_tags(
        TagCommand.REMOVE,
        ["one"],
        public_ids=["life/a.txt", "life/unknown"],
        resource_type=ResourceType.RAW,
        delivery_type="upload",
    )
    assert changed.public_ids == {"life/a.txt"}
    client.change_tags(
        TagCommand.ADD,
        ["three"],
        public_ids=["life/a.txt"],
        resource_type=ResourceType.RAW,
        delivery_type="upload",
    )
    updated = client.update(asset.asset_id, display_name="B", asset_folder="life/later", context={"alt": "x"})
    renamed = client.rename("life/a.txt", "life/b.txt", resource_type=ResourceType.RAW, delivery_type="upload")
    assert updated.asset_id == renamed.asset_id == asset.asset_id
    assert renamed.public_id == "life/b.txt"
    [found] = _resources(client.read_assets([asset.asset_id, UNKNOWN_ID]))
    assert (found["public_id"], sorted(found["tags"])) == ("life/b.txt", ["three", "two"])
    assert (found["display_name"], found["asset_folder"]) == ("B", "life/later")
    assert json.loads(client.read_asset(asset.asset_id).body)["context"] == {"custom": {"alt": "x"}}
    assert dict(client.delete_assets([asset.asset_id]).outcomes) == {"life/b.txt": "deleted"}
    with pytest.raises(RemoteNotFound):
        client.read_asset(asset.asset_id)
    assert _resources(client.read_assets([asset.asset_id])) == []


def test_a_taken_name_is_kept_unless_it_may_be_overwritten(client: CloudinaryClient) -> None:
    first = _store(client, "taken.txt", b"first")
    second = _store(client, "taken.txt", b"second one")
    third = _store(client, "taken.txt", b"third", overwrite=True)
    assert [first.is_existing, second.is_existing, third.is_existing] == [False, True, False]
    assert {first.asset_id, second.asset_id, third.asset_id} == {first.asset_id}
    [found] = _resources(client.read_assets([first.asset_id]))
    assert found["bytes"] == len(b"third")


@pytest.mark.parametrize(
    "context",
    [
        {"alt": "a=b|c"},
        {"k=admin|x": "v", "y": "z"},
        {"a\\b": "c\\d"},
        {"line": "one\ntwo", "größe": "日本 🎈", 'quote"': '"'},
    ],
)
def test_context_comes_back_as_it_was_written(client: CloudinaryClient, context: dict[str, str]) -> None:
    asset = _store(client, "context.txt", context=context)
    [found] = _resources(client.read_assets([asset.asset_id]))
    assert found["context"] == {"custom": context}
    client.update(asset.asset_id, context={**context, "more": "|=|"})
    [found] = _resources(client.read_assets([asset.asset_id]))
    assert found["context"] == {"custom": {**context, "more": "|=|"}}


def test_structured_metadata_comes_back_as_it_was_written(client: CloudinaryClient) -> None:
    values = [{"external_id": "red", "value": "Red"}, {"external_id": "blue", "value": "Blue"}]
    for definition in (
        {"type": "string", "external_id": "title", "label": "Title"},
        {"type": "integer", "external_id": "count", "label": "Count"},
        {"type": "set", "external_id": "colours", "label": "Colours", "datasource": {"values": values}},
    ):
        assert client.create_metadata_field(definition).external_id == definition["external_id"]
    fields = json.loads(client.metadata_fields().body)["metadata_fields"]
    assert {field["external_id"] for field in fields} == {"title", "count", "colours"}
    asset = _store(client, "meta.txt", metadata={"title": "a=b|c", "count": 5, "colours": ["red", "blue"]})
    [found] = _resources(client.read_assets([asset.asset_id]))
    assert found["metadata"] == {"title": "a=b|c", "count": 5, "colours": ["red", "blue"]}
    client.update(asset.asset_id, metadata={"count": None, "title": 'say "x"'})
    [found] = _resources(client.read_assets([asset.asset_id]))
    assert found["metadata"] == {"title": 'say "x"', "colours": ["red", "blue"]}


def test_a_field_that_breaks_a_rule_is_refused(client: CloudinaryClient) -> None:
    with pytest.raises(RemoteRefused, match="400"):
        _store(client, "meta.txt", metadata={"unknown": "x"})


@pytest.mark.parametrize("folder", ["plain", "größe (1)", "a b/c d"])
def test_folders_of_any_name_are_read(client: CloudinaryClient, folder: str) -> None:
    _store(client, "in_folder.txt", asset_folder=f"{folder}/below")
    assert [found["name"] for found in json.loads(client.subfolders(folder, cursor=None).body)["folders"]] == ["below"]
    tops = [found["name"] for found in json.loads(client.root_folders().body)["folders"]]
    assert tops == [folder.split("/")[0]]
    with pytest.raises(RemoteNotFound):
        client.subfolders(f"{folder} not there", cursor=None)


def test_search_gives_the_fields_that_were_asked_for(client: CloudinaryClient) -> None:
    assets = {_store(client, f"search/{number}.txt", asset_folder="found").asset_id for number in range(3)}
    page = client.search(
        "public_id:search/*",
        fields=["asset_id"],
        sort_by=[("public_id", "asc")],
        cursor=None,
        max_results=500,
    )
    assert {resource["asset_id"] for resource in _resources(page)} == assets
    folders = json.loads(client.search_folders(cursor=None, max_results=500).body)["folders"]
    assert "found" in {folder["path"] for folder in folders}


def test_the_cloud_describes_itself(client: CloudinaryClient) -> None:
    config = json.loads(client.config().body)
    assert (config["cloud_name"], config["settings"]["folder_mode"]) == (client.cloud_name, "dynamic")
    assert client.ping().request_id is not None
    assert client.is_emulator is True


def test_a_key_of_the_emulator_lacks_nothing(client: CloudinaryClient) -> None:
    report = describe_key(client)
    assert (report.is_accepted, report.lacking, report.is_emulator) == (True, (), True)
    assert {tried.is_granted for tried in report.permissions} == {True}


def test_a_wrong_secret_is_rejected_by_both_apis(connect: Callable[..., CloudinaryClient]) -> None:
    client = connect(secret="wrong-and-not-a-real-secret")
    with pytest.raises(RemoteRejectedKey):
        client.list_page(RAW, cursor=None, page_size=500)
    with pytest.raises(RemoteRejectedKey):
        _store(client, "a.txt")
    assert not describe_key(client).is_accepted


def test_production_refuses_the_emulator(connect: Callable[..., CloudinaryClient]) -> None:
    with pytest.raises(WrongCloud):
        connect(refuse_emulator=True).ping()


def test_an_unknown_cloud_is_rejected(running: EmulatorThread, control: ControlClient) -> None:
    credentials = CloudCredentials.parse(running.endpoints.cloudinary_url)
    credentials.cloud_name = "emu-another"
    with (
        CloudinaryClient(credentials, settings=Settings(), budget=UnlimitedBudget(), refuse_emulator=False) as client,
        pytest.raises(RemoteRejectedKey),
    ):
        client.ping()


# Trouble


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(Kind.STATUS, status=500), RemoteUnavailable),
        (Rule(Kind.STATUS, status=503), RemoteUnavailable),
        (Rule(Kind.STATUS, status=429), RateLimited),
        (Rule(Kind.ERROR_WITH_200), RemoteMalformed),
        (Rule(Kind.HTML, status=200), RemoteMalformed),
        (Rule(Kind.HTML, status=404), RemoteMalformed),
        (Rule(Kind.HTML, status=502), RemoteUnavailable),
        (Rule(Kind.TRUNCATED_JSON), RemoteMalformed),
        (Rule(Kind.REVOKED_KEY), RemoteRejectedKey),
        (Rule(Kind.QUOTA), RateLimited),
        (Rule(Kind.QUOTA, rate_headers=False), RateLimited),
        (Rule(Kind.RESET_BEFORE_EFFECT), RemoteUnavailable),
        (Rule(Kind.RESET_AFTER_EFFECT), RemoteUnavailable),
        (Rule(Kind.EXPIRED_CURSOR), CursorRejected),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Rule) else None,
)
def test_each_kind_of_trouble_of_a_listing_has_its_error(
    client: CloudinaryClient, control: ControlClient, rule: Rule, expected: type[RemoteError]
) -> None:
    for number in range(2):
        _store(client, f"trouble/{number}.txt")
    cursor = json.loads(client.list_page(RAW, cursor=None, page_size=1).body)["next_cursor"]
    control.add_faults(rule)
    with pytest.raises(RemoteError) as caught:
        client.list_page(RAW, cursor=cursor, page_size=1)
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    "kind", [Kind.STATUS, Kind.HTML, Kind.ERROR_WITH_200, Kind.TRUNCATED_JSON, Kind.RESET_BEFORE_EFFECT]
)
def test_trouble_that_passes_is_not_seen(client: CloudinaryClient, control: ControlClient, kind: Kind) -> None:
    _store(client, "passes.txt")
    control.add_faults(Rule(kind, method="GET", path="/resources/raw*", times=2))
    assert len(_resources(client.list_page(RAW, cursor=None, page_size=500))) == 1
    assert [state.injected for state in control.faults()] == [2]


@pytest.mark.parametrize(
    ("rule", "is_gone"),
    [
        (Rule(Kind.RESET_BEFORE_EFFECT), False),
        (Rule(Kind.RESET_AFTER_EFFECT), True),
        (Rule(Kind.TRUNCATED_JSON), True),
        (Rule(Kind.STATUS, status=503), False),
        (Rule(Kind.ERROR_WITH_200), False),
    ],
    ids=lambda value: value.kind.value if isinstance(value, Rule) else None,
)
def test_a_deletion_without_a_clear_answer_is_unknown_and_a_read_settles_it(
    client: CloudinaryClient, control: ControlClient, rule: Rule, is_gone: bool
) -> None:
    asset = _store(client, "unknown.txt")
    control.add_faults(Rule(**{**_members(rule), "method": "DELETE"}))
    with pytest.raises(RemoteOutcomeUnknown):
        client.delete_assets([asset.asset_id])
    assert [state.matched for state in control.faults()] == [1]
    assert (_resources(client.read_assets([asset.asset_id])) == []) is is_gone


def _members(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in rule.__struct_fields__}


def test_a_late_answer_of_a_write_is_unknown(connect: Callable[..., CloudinaryClient], control: ControlClient) -> None:
    asset = _store(connect(), "late.txt")
    control.add_faults(Rule(Kind.DELAY, method="PUT", seconds=0.4))
    with pytest.raises(RemoteOutcomeUnknown):
        connect(read_timeout_seconds=0.1).update(asset.asset_id, display_name="late")


def test_a_spent_allowance_ends_with_the_hour_and_is_not_tried_again(
    connect: Callable[..., CloudinaryClient], control: ControlClient
) -> None:
    budget = CountingBudget()
    client = connect(budget=budget)
    control.set_quota(per_hour=500, used=499)
    client.ping()
    with pytest.raises(RateLimited) as caught:
        client.ping()
    full_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    assert caught.value.reset_at in {full_hour, full_hour + timedelta(hours=1)}
    told = [(seen["limit"], seen["remaining"], seen["cost"]) for seen in budget.observed]
    assert told[0] == (500, 0, 1)
    assert len(told) == 2
    _store(client, "upload_costs_nothing.txt")
