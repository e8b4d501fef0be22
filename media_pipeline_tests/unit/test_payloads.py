"""Answers of the Admin API taken apart: recorded ones and made-up ones; what makes fingerprint and digest move."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pipeline.errors import RemoteMalformed
from media_pipeline.remote import payloads
from media_pipeline.remote.payloads import FIELDS, digest, normalize, split_page
from media_pipeline_tests.unit.documents import (
    ASSET_ID,
    OPTIONAL,
    SMALLEST,
    SOURCES,
    assert_nothing_is_lost,
    documents,
    encoded,
    taken,
    unknown_members,
    words,
)

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "payloads"


def recorded(pattern: str) -> list[Any]:
    """Recorded answers as parameters; where they are not at hand, one parameter that says so."""
    files = sorted(RECORDED.glob(pattern))
    absent = pytest.mark.skip(reason="the recorded answers are kept beside the repository, and are not there")
    return [pytest.param(one, id=one.stem) for one in files] or [pytest.param(None, marks=absent, id=pattern)]


class TestRecordedAnswers:
    """Those from before 2020 have no asset_id yet; they get one here."""

    @pytest.mark.parametrize("file", recorded("admin-list-*.json"))
    def test_a_listing_is_split_and_none_of_its_assets_loses_anything(self, file: Path) -> None:
        listing = json.loads(file.read_bytes())
        for number, resource in enumerate(listing["resources"]):
            resource.setdefault("asset_id", f"{number:032x}")

        page = split_page(encoded(listing), call="list")

        assert page.next_cursor == listing.get("next_cursor")
        assert [json.loads(item.raw) for item in page.items] == listing["resources"]
        assert [item.asset_id for item in page.items] == [one["asset_id"] for one in listing["resources"]]
        for item in page.items:
            assert item.digest == digest(item.raw)
            assert_nothing_is_lost(item.raw, normalize(item.raw))

    @pytest.mark.parametrize("file", recorded("admin-list-*.json"))
    def test_a_listing_as_recorded_keeps_the_bytes_of_each_asset(self, file: Path) -> None:
        body = file.read_bytes()

        page = split_page(body, call="list")

        assert all(item.raw in body for item in page.items)
        assert [json.loads(item.raw) for item in page.items] == json.loads(body)["resources"]

    @pytest.mark.parametrize("file", recorded("admin-resource-[su]*.json") + recorded("*upload-*video*.json"))
    def test_a_detail_or_an_upload_loses_nothing(self, file: Path) -> None:
        raw = file.read_bytes()
        document = json.loads(raw)
        if "asset_id" not in document:
            raw = encoded({**document, "asset_id": ASSET_ID})

        assert_nothing_is_lost(raw, normalize(raw))

    @pytest.mark.parametrize("file", recorded("upload-response-image-*.json"))
    def test_an_upload_with_a_moderation_loses_nothing(self, file: Path) -> None:
        raw = file.read_bytes()
        found = normalize(raw)

        assert_nothing_is_lost(raw, found)
        assert found.moderation_status == "approved"

    @pytest.mark.parametrize("file", recorded("admin-error-*.json"))
    def test_a_recorded_error_is_no_page(self, file: Path) -> None:
        with pytest.raises(RemoteMalformed):
            split_page(file.read_bytes(), call="list")

    @pytest.mark.parametrize("file", recorded("admin-[dftru]*.json"))
    def test_an_answer_of_another_kind_is_no_page(self, file: Path) -> None:
        if "resources" not in json.loads(file.read_bytes()):
            with pytest.raises(RemoteMalformed, match="not a page"):
                split_page(file.read_bytes(), call="list")


class TestFieldByField:
    """What each member becomes."""

    def test_the_smallest_document_has_nothing_but_its_names(self) -> None:
        assert_nothing_is_lost(encoded(SMALLEST), normalize(encoded(SMALLEST)))

    @pytest.mark.parametrize("name", sorted(SOURCES - set(SMALLEST)))
    def test_null_means_the_same_as_a_member_that_is_left_out(self, name: str) -> None:
        with_null = normalize(encoded({**SMALLEST, name: None}))

        assert with_null.fingerprint == normalize(encoded(SMALLEST)).fingerprint

    @pytest.mark.parametrize(
        ("context", "pairs"),
        [
            ({"custom": {"alt": "x|y=z", "caption": ""}}, {"alt": "x|y=z", "caption": ""}),
            ({"alt": "x"}, {"alt": "x"}),
            ({"custom": "a key named custom"}, {"custom": "a key named custom"}),
            ({"custom": {}}, {}),
            ({}, {}),
        ],
    )
    def test_context_is_the_same_nested_and_flat(self, context: dict[str, Any], pairs: dict[str, str]) -> None:
        assert normalize(encoded({**SMALLEST, "context": context})).context == pairs

    @pytest.mark.parametrize(
        ("members", "kind", "status"),
        [
            ({"moderation_kind": "manual", "moderation_status": "pending"}, "manual", "pending"),
            ({"moderation": [{"kind": "manual", "status": "pending"}]}, "manual", "pending"),
            ({"moderation": [{"kind": "webpurify", "status": "rejected"}, {"kind": "manual", "status": "approved"}]},
             "manual", "approved"),
            ({"moderation": []}, None, None),
            ({"moderation": [{"kind": 5, "status": None}]}, None, None),
            ({"moderation_status": "approved", "moderation": [{"kind": "manual", "status": "pending"}]},
             None, "approved"),
        ],
    )  # fmt: skip
    def test_the_moderation_in_force_is_the_flat_one_or_the_last_of_the_list(
        self, members: dict[str, Any], kind: str | None, status: str | None
    ) -> None:
        found = normalize(encoded({**SMALLEST, **members}))

        assert (found.moderation_kind, found.moderation_status) == (kind, status)

    def test_the_folder_of_dynamic_mode_beats_that_of_fixed_mode_even_if_it_is_the_root(self) -> None:
        assert normalize(encoded({**SMALLEST, "folder": "a/b"})).asset_folder == "a/b"
        assert normalize(encoded({**SMALLEST, "folder": "a/b", "asset_folder": ""})).asset_folder == ""

    def test_tags_are_sorted_and_each_is_there_once(self) -> None:
        assert normalize(encoded({**SMALLEST, "tags": ["b", "a", "b", "B"]})).tags == ("B", "a", "b")

    def test_a_moment_is_kept_as_the_moment_it_is(self) -> None:
        found = normalize(encoded({**SMALLEST, "created_at": "2024-06-25T10:58:20+02:00"}))

        assert found.created_at == datetime(2024, 6, 25, 8, 58, 20, tzinfo=UTC)
        assert found.fingerprint == normalize(encoded({**SMALLEST, "created_at": "2024-06-25T08:58:20Z"})).fingerprint

    @pytest.mark.parametrize(
        "members",
        [
            {"bytes": 2**63 - 1, "version": 2**63 - 1, "width": 2**31 - 1, "height": 2**31 - 1},
            {"bytes": 0, "version": 0, "width": 0, "height": 0},
            {"tags": ["x" * 255, "𝄞" * 255]},
            {"public_id": "x" * 2000},
            {"public_id": "ü" * 1000, "asset_folder": "ü" * 1000},
            {"display_name": "x" * 100_000},
            {"created_at": "0001-01-01T00:00:00Z"},
            {"created_at": "9999-12-31T23:59:59.999999Z"},
        ],
    )
    def test_values_at_the_limits_are_taken(self, members: dict[str, Any]) -> None:
        raw = encoded({**SMALLEST, **members})

        assert_nothing_is_lost(raw, normalize(raw))

    def test_a_backslash_before_u0000_is_no_nul(self) -> None:
        raw = b'{"unknown": "\\\\u0000", ' + encoded(SMALLEST)[1:]

        assert normalize(raw).extra == {"unknown": "\\u0000"}


def fields_of(raw: bytes) -> str:
    """The mirrored fields as text: equal if and only if the fields are, 1 and 1.0 and true told apart."""
    found = normalize(raw)
    return json.dumps([getattr(found, name) for name in FIELDS], default=datetime.isoformat, sort_keys=True)


class TestFingerprint:
    """Equal if and only if the mirrored fields are."""

    @given(document=documents)
    def test_no_document_loses_anything(self, document: dict[str, Any]) -> None:
        assert_nothing_is_lost(encoded(document), normalize(encoded(document)))

    @given(left=documents, right=documents)
    def test_documents_have_one_fingerprint_exactly_if_they_have_the_same_fields(
        self, left: dict[str, Any], right: dict[str, Any]
    ) -> None:
        one, other = encoded(left), encoded(right)

        assert (normalize(one).fingerprint == normalize(other).fingerprint) is (fields_of(one) == fields_of(other))

    @given(document=documents, data=st.data())
    def test_the_order_of_members_keys_and_tags_does_not_matter(
        self, document: dict[str, Any], data: st.DataObject
    ) -> None:
        def shuffled(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: shuffled(value[key]) for key in data.draw(st.permutations(list(value)))}
            return value

        other = shuffled(document)
        if tags := document.get("tags"):
            other["tags"] = data.draw(st.permutations([*tags, tags[0]]))

        assert normalize(encoded(other)).fingerprint == normalize(encoded(document)).fingerprint

    @given(document=documents, more=unknown_members)
    def test_unknown_members_do_not_matter_and_are_kept(self, document: dict[str, Any], more: dict[str, Any]) -> None:
        found = taken(encoded({**document, **more}))

        if found is not None:
            assert found.fingerprint == normalize(encoded(document)).fingerprint
            assert found.extra == more

    @pytest.mark.parametrize("name", ["public_id", "resource_type", "type", *OPTIONAL])
    @given(document=documents, data=st.data())
    def test_any_change_of_a_mirrored_field_changes_it(
        self, name: str, document: dict[str, Any], data: st.DataObject
    ) -> None:
        other = {**document, name: data.draw(OPTIONAL.get(name, words))}
        is_changed = fields_of(encoded(document)) != fields_of(encoded(other))

        assert (normalize(encoded(document)).fingerprint != normalize(encoded(other)).fingerprint) is is_changed

    @pytest.mark.parametrize("name", ["public_id", "resource_type", "type", *OPTIONAL])
    def test_every_field_is_part_of_it(self, name: str) -> None:
        samples: dict[str, Any] = {
            **dict.fromkeys(("version", "bytes", "width", "height"), 1),
            **dict.fromkeys(("placeholder", "backup"), True),
            "created_at": "2024-06-25T08:58:20Z",
            "tags": ["t"],
            "context": {"custom": {"k": "v"}},
            "metadata": {"k": 1},
            "access_control": [{"k": "v"}],
        }
        changed = {**SMALLEST, name: samples.get(name, "something else")}

        assert normalize(encoded(changed)).fingerprint != normalize(encoded(SMALLEST)).fingerprint

    def test_a_value_that_moves_to_the_field_beside_it_changes_it(self) -> None:
        width, height = ({**SMALLEST, name: 8} for name in ("width", "height"))

        assert normalize(encoded(width)).fingerprint != normalize(encoded(height)).fingerprint

    def test_the_id_is_no_part_of_it(self) -> None:
        other = {**SMALLEST, "asset_id": "f" * 32}

        assert normalize(encoded(other)).fingerprint == normalize(encoded(SMALLEST)).fingerprint


class TestDigest:
    """Tells whether exactly these bytes were normalized by exactly this code."""

    def test_it_changes_with_the_version_of_the_normalizing_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        raw = encoded(SMALLEST)
        before = normalize(raw)
        monkeypatch.setattr(payloads, "NORMALIZER_VERSION", b"another")
        after = normalize(raw)

        assert before.document_digest != after.document_digest
        assert before.fingerprint == after.fingerprint
        assert split_page(b'{"resources": [' + raw + b"]}", call="list").items[0].digest == after.document_digest

    @given(left=st.binary(max_size=64), right=st.binary(max_size=64))
    def test_it_is_of_the_bytes_alone(self, left: bytes, right: bytes) -> None:
        assert (digest(left) == digest(right)) is (left == right)
        assert len(digest(left)) == 16
