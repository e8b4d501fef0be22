"""What the client sends: addresses, parameters, signatures; and what it refuses to send.

Belongs here: requests as bytes. Not here: the answers to them (``test_remote_answers``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pipeline.errors import RemoteRefused
from media_pipeline.remote import client as client_module
from media_pipeline.remote.calls import UPDATE, TagCommand
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.encoding import encode_context, encode_metadata
from media_pipeline.vocabulary import AssetId, ResourceType, Slice
from media_pipeline_tests.contract.remote_host import (
    ASSET_ID,
    IMAGES,
    OTHER_ID,
    Host,
    Request,
    answer,
    client_of,
    page,
)

BASE = "/v1_1/not-a-real-cloud"
FLAGS = {("tags", "true"), ("context", "true"), ("metadata", "true"), ("moderations", "true")}
WRITTEN = answer({"asset_id": ASSET_ID, "public_id": "a"})

UNSAFE_NAMES = ["", ".", "..", "a/../b", "a//b", "/a", "a/", "a/./b", "a%2Fb", "a\x00", "a\nb", " a", "a "]
UNSAFE_NAMES += [f"a{char}b" for char in "?&#\\<>"]


def _sent(reply: bytes, call: Callable[[CloudinaryClient], object]) -> Request:
    with Host(reply) as host, client_of(host.url) as client:
        call(client)
    return host.only_request


def _form(request: Request) -> dict[str, Any]:
    """The fields of a form, those whose names end in ``[]`` as lists; the file as (name, bytes)."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form: dict[str, Any] = {}
    for part in message_from_bytes(head + request.body).get_payload():
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        content = part.get_payload(decode=True)  # type: ignore[union-attr]
        assert isinstance(name, str)
        assert isinstance(content, bytes)
        if part.get_filename() is not None:  # type: ignore[union-attr]
            form[name] = (part.get_filename(), content)  # type: ignore[union-attr]
        elif name.endswith("[]"):
            form.setdefault(name, []).append(content.decode())
        else:
            form[name] = content.decode()
    return form


def _signature(form: dict[str, Any]) -> str:
    """The signature that Cloudinary demands, from its documentation."""
    signed = {
        name.removesuffix("[]"): ",".join(value) if isinstance(value, list) else value
        for name, value in form.items()
        if name not in {"file", "api_key", "signature"}
    }
    text = "&".join(f"{name}={value}".replace("&", "%26") for name, value in sorted(signed.items()))
    return hashlib.sha1((text + "not-a-real-secret").encode()).hexdigest()


def test_a_page_is_asked_for_oldest_first_with_all_flags() -> None:
    request = _sent(page(), lambda client: client.list_page(IMAGES, cursor=None, page_size=500))
    assert (request.method, request.path) == ("GET", f"{BASE}/resources/image/upload")
    assert set(request.query) == FLAGS | {("max_results", "500"), ("direction", "asc")}


def test_a_cursor_is_handed_back_unchanged() -> None:
    cursor = "a+b/c=&d é"
    with Host(page(folders=[])) as host, client_of(host.url) as client:
        client.list_page(Slice(ResourceType.RAW, "private"), cursor=cursor, page_size=7)
        client.subfolders("x", cursor=cursor)
        client.search("x", fields=[], sort_by=[], cursor=cursor, max_results=1)
        client.search_folders(cursor=cursor, max_results=1)
    listing, subfolders, search, search_folders = host.requests
    assert listing.path == f"{BASE}/resources/raw/private"
    assert ("next_cursor", cursor) in listing.query
    assert ("next_cursor", cursor) in subfolders.query
    assert search.json()["next_cursor"] == search_folders.json()["next_cursor"] == cursor


def test_assets_are_read_by_id_with_the_fields_of_a_listing() -> None:
    request = _sent(page(), lambda client: client.read_assets([AssetId(ASSET_ID), AssetId(OTHER_ID)]))
    assert (request.method, request.path) == ("GET", f"{BASE}/resources/by_asset_ids")
    assert set(request.query) == FLAGS | {("asset_ids[]", ASSET_ID), ("asset_ids[]", OTHER_ID)}


def test_one_asset_is_read_by_id() -> None:
    request = _sent(answer({"asset_id": ASSET_ID}), lambda client: client.read_asset(AssetId(ASSET_ID)))
    assert request.target == f"{BASE}/resources/{ASSET_ID}"


@pytest.mark.parametrize("ids", [[], [ASSET_ID] * 101, [ASSET_ID.upper()], ["../usage"], [""]])
@pytest.mark.parametrize("method", ["read_assets", "delete_assets"])
def test_a_wrong_list_of_ids_is_never_sent(method: str, ids: list[str]) -> None:
    with Host(page()) as host, client_of(host.url) as client, pytest.raises(ValueError, match="asset id"):
        getattr(client, method)(ids)
    assert host.requests == []


@pytest.mark.parametrize("slice_", [Slice(ResourceType.IMAGE, "../x"), Slice(ResourceType.IMAGE, "")])
def test_a_slice_that_is_no_word_is_never_sent(slice_: Slice) -> None:
    with Host(page()) as host, client_of(host.url) as client, pytest.raises(ValueError, match="delivery type"):
        client.list_page(slice_, cursor=None, page_size=1)
    assert host.requests == []


def test_a_search_names_fields_and_order() -> None:
    request = _sent(
        page(),
        lambda client: client.search(
            "uploaded_at>1d",
            fields=["asset_id", "status"],
            sort_by=[("uploaded_at", "desc"), ("public_id", "asc")],
            cursor=None,
            max_results=500,
        ),
    )
    assert (request.method, request.path) == ("POST", f"{BASE}/resources/search")
    assert request.json() == {
        "expression": "uploaded_at>1d",
        "fields": ["asset_id", "status"],
        "sort_by": [{"uploaded_at": "desc"}, {"public_id": "asc"}],
        "max_results": 500,
    }


@pytest.mark.parametrize("path", ["a", "a b/c", "50% off/%2e%2e", "größe/日本", "a?b#c&d=e", "a+b", "a:b", "...", "~"])
def test_any_folder_name_reaches_its_own_address(path: str) -> None:
    request = _sent(answer({"folders": []}), lambda client: client.subfolders(path, cursor=None))
    assert [unquote(segment) for segment in request.path.split("/")[4:]] == path.split("/")


@pytest.mark.parametrize("path", ["", ".", "..", "a/../../../other", "a//b", "/a", "a/", "a\x00", "a\r\nb"])
def test_a_folder_that_would_leave_its_address_is_refused(path: str) -> None:
    with Host(page()) as host, client_of(host.url) as client, pytest.raises(RemoteRefused):
        client.subfolders(path, cursor=None)
    assert host.requests == []


def test_settings_of_the_cloud_are_asked_for() -> None:
    assert _sent(answer({}), lambda client: client.config()).target == f"{BASE}/config?settings=true"
    fields = _sent(answer({"metadata_fields": []}), lambda client: client.metadata_fields())
    assert fields.target == f"{BASE}/metadata_fields"
    assert _sent(answer({"folders": []}), lambda client: client.root_folders()).target == f"{BASE}/folders"


# Writes


def test_an_upload_is_a_signed_form() -> None:
    request = _sent(
        answer({"asset_id": ASSET_ID, "public_id": "a/b", "existing": True}),
        lambda client: client.upload(
            b"\x89PNG\r\n",
            public_id="a/größe",
            resource_type=ResourceType.RAW,
            delivery_type="private",
            overwrite=False,
            asset_folder="shop & co",
            display_name="Größe",
            tags=["x", "y"],
            context={"alt": "a=b|c"},
            metadata={"colour": ["c1", "c2"], "count": 5},
            access_control=[{"access_type": "token"}, {"access_type": "anonymous", "start": "2031-01-01T00:00Z"}],
            moderation="manual",
            file_name="original.png",
        ),
    )
    form = _form(request)
    assert (request.method, request.path) == ("POST", f"{BASE}/raw/upload")
    assert form.pop("signature") == _signature(form)
    assert re.fullmatch("[0-9]{10}", form.pop("timestamp"))
    assert form == {
        "file": ("original.png", b"\x89PNG\r\n"),
        "api_key": "key-of-not-a-real-cloud",
        "public_id": "a/größe",
        "type": "private",
        "overwrite": "0",
        "invalidate": "0",
        "asset_folder": "shop & co",
        "display_name": "Größe",
        "tags": "x,y",
        "context": "alt=a\\=b\\|c",
        "metadata": 'colour=["c1","c2"]|count=5',
        "access_control": '[{"access_type":"token"},{"access_type":"anonymous","start":"2031-01-01T00:00Z"}]',
        "moderation": "manual",
    }


def test_what_stood_there_before_is_told(tmp_path: Path) -> None:
    file = tmp_path / "pixel.gif"
    file.write_bytes(b"GIF89a")
    existing = answer({"asset_id": ASSET_ID, "public_id": "a", "existing": True, "version": 1})
    with Host(existing) as host, client_of(host.url) as client:
        written = client.upload(
            file, public_id="a", resource_type=ResourceType.IMAGE, delivery_type="upload", overwrite=True
        )
    form = _form(host.only_request)
    assert form["file"] == ("pixel.gif", b"GIF89a")
    assert (form["overwrite"], form["invalidate"]) == ("1", "1")
    assert (written.asset_id, written.is_existing) == (ASSET_ID, True)


def test_large_content_goes_in_parts_that_name_their_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(client_module, "_PART_BYTES", 4)
    file = tmp_path / "film.mp4"
    file.write_bytes(b"0123456789")
    with Host(answer({"done": False}), answer({"done": False}), WRITTEN) as host, client_of(host.url) as client:
        client.upload(file, public_id="a", resource_type=ResourceType.VIDEO, delivery_type="upload", overwrite=False)
    assert [_form(request)["file"] for request in host.requests] == [
        ("film.mp4", b"0123"),
        ("film.mp4", b"4567"),
        ("film.mp4", b"89"),
    ]
    assert [request.headers["content-range"] for request in host.requests] == [
        "bytes 0-3/10",
        "bytes 4-7/10",
        "bytes 8-9/10",
    ]
    assert len({request.headers["x-unique-upload-id"] for request in host.requests}) == 1


def test_an_empty_file_is_not_uploaded() -> None:
    with Host(WRITTEN) as host, client_of(host.url) as client, pytest.raises(RemoteRefused, match="no empty files"):
        client.upload(b"", public_id="a", resource_type=ResourceType.RAW, delivery_type="upload", overwrite=False)
    assert host.requests == []


@pytest.mark.parametrize(("command", "word"), [(TagCommand.ADD, "add"), (TagCommand.REMOVE, "remove")])
def test_tags_are_added_and_removed_by_name(command: TagCommand, word: str) -> None:
    with Host(answer({"public_ids": ["b"]})) as host, client_of(host.url) as client:
        changed = client.change_tags(
            command,
            ["x y", "ü"],
            public_ids=["a", "b"],
            resource_type=ResourceType.VIDEO,
            delivery_type="authenticated",
        )
    form = _form(host.only_request)
    assert host.only_request.path == f"{BASE}/video/tags"
    assert form.pop("signature") == _signature(form)
    assert (form["command"], form["tag"], form["public_ids[]"]) == (word, "x y,ü", ["a", "b"])
    assert form["type"] == "authenticated"
    assert changed.public_ids == {"b"}


@pytest.mark.parametrize("tag", ["a,b", "", " a", "a ", "a\nb"])
def test_a_tag_that_would_become_another_is_refused(tag: str) -> None:
    with Host(WRITTEN) as host, client_of(host.url) as client:
        with pytest.raises(RemoteRefused, match="cannot be written"):
            _change_tags(client, tag, "a")
        with pytest.raises(RemoteRefused, match="cannot be written"):
            client.update(AssetId(ASSET_ID), tags=[tag])
    assert host.requests == []


@pytest.mark.parametrize("public_id", UNSAFE_NAMES)
def test_a_public_id_that_could_mean_something_else_is_refused(public_id: str) -> None:
    with Host(WRITTEN) as host, client_of(host.url) as client:
        with pytest.raises(RemoteRefused):
            client.upload(
                b"x", public_id=public_id, resource_type=ResourceType.IMAGE, delivery_type="upload", overwrite=False
            )
        with pytest.raises(RemoteRefused):
            client.rename(public_id, "b", resource_type=ResourceType.IMAGE, delivery_type="upload")
        with pytest.raises(RemoteRefused):
            client.rename("b", public_id, resource_type=ResourceType.IMAGE, delivery_type="upload")
        with pytest.raises(RemoteRefused):
            _change_tags(client, "t", public_id)
    assert host.requests == []


def test_a_comma_in_a_public_id_is_refused_where_ids_are_listed() -> None:
    with Host(WRITTEN) as host, client_of(host.url) as client, pytest.raises(RemoteRefused, match="comma"):
        _change_tags(client, "t", "a,b")
    assert host.requests == []


@pytest.mark.parametrize(("tags", "public_ids"), [([], ["a"]), (["t"], []), (["t"], ["a"] * 101)])
def test_a_change_of_nothing_is_a_mistake_of_the_caller(tags: list[str], public_ids: list[str]) -> None:
    with client_of("http://127.0.0.1:9") as client, pytest.raises(ValueError, match=r"needs tags|1 to 100 public_ids"):
        client.change_tags(
            TagCommand.ADD, tags, public_ids=public_ids, resource_type=ResourceType.IMAGE, delivery_type="upload"
        )


def _change_tags(client: CloudinaryClient, tag: str, public_id: str) -> None:
    client.change_tags(
        TagCommand.ADD, [tag], public_ids=[public_id], resource_type=ResourceType.IMAGE, delivery_type="upload"
    )


def test_an_update_goes_to_the_asset_id_and_names_only_what_changes() -> None:
    request = _sent(
        WRITTEN,
        lambda client: client.update(
            AssetId(ASSET_ID), asset_folder="", tags=[], context={"alt": "x"}, metadata={"when": None}
        ),
    )
    assert (request.method, request.target) == ("PUT", f"{BASE}/resources/{ASSET_ID}")
    assert request.json() == {"asset_folder": "", "tags": "", "context": "alt=x", "metadata": "when="}


def test_an_update_of_nothing_is_a_mistake_of_the_caller() -> None:
    with client_of("http://127.0.0.1:9") as client, pytest.raises(ValueError, match="at least one field"):
        client.update(AssetId(ASSET_ID))


def test_a_rename_is_a_signed_form() -> None:
    request = _sent(
        WRITTEN,
        lambda client: client.rename("a-b", "c d", resource_type=ResourceType.RAW, delivery_type="upload"),
    )
    form = _form(request)
    assert request.path == f"{BASE}/raw/rename"
    assert form.pop("signature") == _signature(form)
    assert (form["from_public_id"], form["to_public_id"], form["overwrite"]) == ("a-b", "c d", "0")


def test_a_deletion_names_asset_ids_and_nothing_wider() -> None:
    reply = answer({"deleted": {"a": "deleted", "b": "not_found"}, "partial": True})
    with Host(reply) as host, client_of(host.url) as client:
        deleted = client.delete_assets([AssetId(ASSET_ID), AssetId(OTHER_ID)])
    request = host.only_request
    assert (request.method, request.target) == ("DELETE", f"{BASE}/resources")
    body = {name: value for name, value in request.json().items() if value is not None}
    assert body.pop("transformations", "") == ""
    assert body == {"asset_ids": [ASSET_ID, OTHER_ID], "invalidate": True}
    assert (dict(deleted.outcomes), deleted.is_partial) == ({"a": "deleted", "b": "not_found"}, True)


def test_messages_are_claimed_and_acknowledged_by_their_handles() -> None:
    claimed = _sent(answer({}), lambda client: client.notifications("a/b", wait_seconds=20, visibility_seconds=60))
    assert (claimed.method, claimed.path) == ("GET", "/v2/notifications/not-a-real-cloud/messages")
    assert set(claimed.query) == {
        ("channel", "a/b"),
        ("max_messages", "100"),
        ("wait_seconds", "20"),
        ("visibility_timeout", "60"),
    }
    told = answer({"results": [{"status": "acked"}]})
    acknowledged = _sent(told, lambda client: client.acknowledge(["x", "y"]))
    assert (acknowledged.method, acknowledged.path) == ("POST", "/v2/notifications/not-a-real-cloud/messages/ack")
    assert acknowledged.json() == {"receipt_handles": ["x", "y"]}


@pytest.mark.parametrize("handles", [[], ["x"] * 101])
def test_a_wrong_number_of_messages_is_never_acknowledged(handles: list[str]) -> None:
    with Host(page()) as host, client_of(host.url) as client, pytest.raises(ValueError, match="1 to 100 messages"):
        client.acknowledge(handles)
    assert host.requests == []


def test_triggers_are_changed_by_their_ids() -> None:
    made = _sent(
        answer({"id": "a1"}),
        lambda client: client.create_trigger("poll://x", event_type="all", uri_type="poll", is_additive=True),
    )
    assert (made.method, made.path) == ("POST", f"{BASE}/triggers")
    assert made.json() == {"uri": "poll://x", "event_type": "all", "uri_type": "poll", "additive": True}
    moved = _sent(answer({"message": "ok"}), lambda client: client.update_trigger("a1", uri="poll://y"))
    assert (moved.method, moved.path, moved.json()) == ("PUT", f"{BASE}/triggers/a1", {"new_uri": "poll://y"})
    removed = _sent(answer({"message": "ok"}), lambda client: client.delete_trigger("a1"))
    assert (removed.method, removed.path) == ("DELETE", f"{BASE}/triggers/a1")
    with Host(page()) as host, client_of(host.url) as client, pytest.raises(ValueError, match="id of a trigger"):
        client.delete_trigger("../resources")


def test_a_field_is_defined_in_the_words_of_the_api() -> None:
    definition = {"type": "string", "label": "Größe", "external_id": "size", "mandatory": False}
    with Host(answer({"external_id": "size"})) as host, client_of(host.url) as client:
        created = client.create_metadata_field(definition)
    assert (host.only_request.method, host.only_request.path) == ("POST", f"{BASE}/metadata_fields")
    assert host.only_request.json() == definition
    assert created.external_id == "size"


# Texts in pairs


def _pairs(text: str) -> dict[str, str]:
    """Read pairs as Cloudinary does: a backslash escapes ``=`` and ``|`` and nothing else."""
    pairs = {}
    for part in re.split(r"(?<!\\)\|", text):
        key, value = re.split(r"(?<!\\)=", part, maxsplit=1)
        pairs[key.replace("\\=", "=").replace("\\|", "|")] = value.replace("\\=", "=").replace("\\|", "|")
    return pairs


TEXTS = st.text(alphabet=st.sampled_from('ab=|\\", \né&%'), min_size=1, max_size=8).filter(str.strip)


@given(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=4))
def test_context_arrives_as_it_was_meant_or_is_refused(context: dict[str, str]) -> None:
    texts = [*context, *context.values()]
    is_ambiguous = any(text.endswith("\\") or "\\=" in text or "\\|" in text for text in texts)
    if is_ambiguous:
        with pytest.raises(RemoteRefused):
            encode_context(context, call=UPDATE)
    else:
        assert _pairs(encode_context(context, call=UPDATE)) == context


@pytest.mark.parametrize("context", [{"": "a"}, {" ": "a"}, {"a": ""}, {"a": "b\x00"}, {"a\x1f": "b"}])
def test_context_that_cloudinary_would_drop_is_refused(context: dict[str, str]) -> None:
    with pytest.raises(RemoteRefused):
        encode_context(context, call=UPDATE)


def test_metadata_has_its_own_texts_for_lists_numbers_and_nothing() -> None:
    encoded = encode_metadata({"a": ["x", "y|z"], "b": 5, "c": 1.5, "d": None, "e": "p=q"}, call=UPDATE)
    assert encoded == 'a=["x","y\\|z"]|b=5|c=1.5|d=|e=p\\=q'


@pytest.mark.parametrize("metadata", [{"": "a"}, {"a": "b\\"}, {"a": ["b\\|c"]}])
def test_metadata_that_would_become_another_field_is_refused(metadata: dict[str, str]) -> None:
    with pytest.raises(RemoteRefused):
        encode_metadata(metadata, call=UPDATE)
