"""Pages and records that break a rule: the page is refused whole, the record alone, and nothing else happens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media_pipeline.errors import RemoteMalformed
from media_pipeline.remote.payloads import BadItem, normalize, split_page
from media_pipeline_tests.unit.documents import (
    ASSET_ID,
    SMALLEST,
    SOURCES,
    documents,
    encoded,
    json_values,
    taken,
)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SMALLEST.items() if key != name}


def nested(depth: int, leaf: str = "1") -> str:
    return "[" * depth + leaf + "]" * depth


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("bad_asset_id", without("asset_id")),
    *(("bad_asset_id", {**SMALLEST, "asset_id": value}) for value in ("", "ABCDEF" * 5 + "AB", "0" * 31, "0" * 33)),
    *(("bad_asset_id", {**SMALLEST, "asset_id": value}) for value in (None, 5, ["0" * 32], "0" * 31 + "g")),
    ("bad_asset_id", {**SMALLEST, "asset_id": "0" * 32 + "\n"}),
    *(("wrong_type", without(name)) for name in ("public_id", "resource_type", "type")),
    *(("wrong_type", {**SMALLEST, name: ""}) for name in ("public_id", "resource_type", "type")),
    *(("wrong_type", {**SMALLEST, name: "x" * 65}) for name in ("resource_type", "type")),
    *(
        ("wrong_type", {**SMALLEST, name: 5})
        for name in ("format", "display_name", "secure_url", "access_mode", "folder")
    ),
    *(("wrong_type", {**SMALLEST, "bytes": value}) for value in ("12", -1, 2**63, 1.5, True, 1e300, [1])),
    *(("wrong_type", {**SMALLEST, "width": value}) for value in (-1, 2**31, "8", 1e300)),
    *(("wrong_type", {**SMALLEST, "version": value}) for value in (-1, 2**63, "1700000000")),
    *(("wrong_type", {**SMALLEST, "created_at": value}) for value in ("yesterday", "2024-06-25T08:58:20", 1700000000)),
    ("wrong_type", {**SMALLEST, "created_at": "10000-01-01T00:00:00Z"}),
    *(("wrong_type", {**SMALLEST, "tags": value}) for value in ("a,b", [5], [None], {"a": 1})),
    *(("wrong_type", {**SMALLEST, "context": value}) for value in (["a"], "a=b", {"custom": {"a": 5}}, {"a": None})),
    ("wrong_type", {**SMALLEST, "metadata": []}),
    ("wrong_type", {**SMALLEST, "metadata": "a=b"}),
    *(("wrong_type", {**SMALLEST, "placeholder": value}) for value in ("true", 1, "")),
    ("wrong_type", {**SMALLEST, "moderation": "approved"}),
    ("wrong_type", {**SMALLEST, "moderation": ["approved"]}),
    ("wrong_type", {**SMALLEST, "access_control": {"access_type": "token"}}),
    ("too_long", {**SMALLEST, "public_id": "x" * 2001}),
    ("too_long", {**SMALLEST, "public_id": "ü" * 1001}),
    ("too_long", {**SMALLEST, "asset_folder": "x" * 2001}),
    ("too_long", {**SMALLEST, "folder": "x" * 2001}),
    ("bad_tag", {**SMALLEST, "tags": ["a", ""]}),
    ("bad_tag", {**SMALLEST, "tags": ["x" * 256]}),
    ("nul_character", {**SMALLEST, "public_id": "a\0b"}),
    ("nul_character", {**SMALLEST, "tags": ["\0"]}),
    ("nul_character", {**SMALLEST, "metadata": {"a": [{"b": "\0"}]}}),
    ("nul_character", {**SMALLEST, "unknown": {"\0": 1}}),
    ("not_json", {**SMALLEST, "display_name": "half \ud83d"}),
]


def with_member(name: str, value: str) -> bytes:
    """A good record with one more member, whose value is spelt like this."""
    return encoded(SMALLEST)[:-1] + f', "{name}": '.encode() + value.encode("latin-1") + b"}"


# Spelt as no encoder spells.
UNREADABLE = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    encoded(SMALLEST)[:-1],
    encoded(SMALLEST) + b"}",
    *(with_member("unknown", value) for value in ("NaN", "Infinity", '"\xff\xfe"', '"raw \x00 nul"', nested(100_000))),
    *(with_member("unknown", value) for value in ("01", "'a'", "[1,]", "{,}", "")),
]

# Which of these are refused here, and which by Postgres alone, is not the point.
AT_THE_EDGE = [
    *('"half \\ud83d"', '{"\\udc00": 1}', '"half \\ud83d and \\u0000"', '["\\u0000", 1e999999]'),
    *("1e308", "1e400", "1e131072", "1e-16384", "1e999999", "1" + "0" * 30, "-" + "9" * 40),
    *("18446744073709551615", "18446744073709551616", "9" * 5_000, '["\\u0000", ' + "9" * 5_000 + "]"),
]


class TestBadItems:
    """One record that breaks a rule is told apart, with its reason and with its id as far as it can be read."""

    @pytest.mark.parametrize(("reason", "document"), BROKEN, ids=lambda value: str(value)[-60:])
    def test_a_broken_rule_is_named(self, reason: str, document: dict[str, Any]) -> None:
        with pytest.raises(BadItem) as bad:
            normalize(encoded(document))

        assert bad.value.reason == reason
        assert bad.value.detail

    @pytest.mark.parametrize("raw", UNREADABLE, ids=lambda raw: str(raw[-40:]))
    def test_what_cannot_be_read_is_no_asset(self, raw: bytes) -> None:
        with pytest.raises(BadItem, match=r"not_json|wrong_type"):
            normalize(raw)

    @pytest.mark.parametrize("value", AT_THE_EDGE, ids=lambda value: str(value)[-30:])
    @pytest.mark.parametrize("form", ["{}", '[{{"a": {}}}]', '{{"a": {}}}'])
    def test_a_value_at_the_edge_of_what_can_be_read_is_no_error_of_the_batch(self, value: str, form: str) -> None:
        for name in ("unknown", "metadata", "access_control", "display_name"):
            taken(with_member(name, form.format(value)))

    @pytest.mark.parametrize("leaf", ["1", '"\\u0000"', '"\\\\u0000"'])
    @pytest.mark.parametrize("form", ["{}", '{{"a": {}}}'])
    def test_a_deeply_nested_value_is_no_error_of_the_batch(self, leaf: str, form: str) -> None:
        for depth in (10, 100, 300, 400, 500, 700, 900, 950, 980, 1_000, 5_000):
            for name in ("unknown", "metadata", "access_control"):
                taken(with_member(name, form.format(nested(depth, leaf))))

    @pytest.mark.parametrize(
        ("reason", "document"), [one for one in BROKEN if one[0] not in {"bad_asset_id", "not_json"}]
    )
    def test_the_id_of_a_bad_record_is_told_where_it_is_good(self, reason: str, document: dict[str, Any]) -> None:
        with pytest.raises(BadItem) as bad:
            normalize(encoded(document))

        assert bad.value.asset_id == ASSET_ID

    @pytest.mark.parametrize("document", [document for reason, document in BROKEN if reason == "bad_asset_id"])
    def test_an_id_that_is_no_id_is_not_told(self, document: dict[str, Any]) -> None:
        with pytest.raises(BadItem) as bad:
            normalize(encoded(document))

        assert bad.value.asset_id is None


def page_of(*records: bytes, cursor: str | None = None) -> bytes:
    more = b"" if cursor is None else b', "next_cursor": ' + encoded(cursor)
    return b'{"resources": [' + b", ".join(records) + b"]" + more + b"}"


class TestPages:
    """A page is valid or it proves nothing; its records are judged one by one."""

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b"{}",
            b'"resources"',
            b"<!DOCTYPE html><html></html>",
            b'{"resources": {}}',
            b'{"resources": null}',
            b'{"resources": "none"}',
            b'{"Resources": []}',
            b'{"resources": []} trailing',
            b'{"resources": [], "error": {"message": "no"}}',
            b'{"resources": [], "error": null}',
            b'{"resources": [], "next_cursor": ""}',
            b'{"resources": [], "next_cursor": 5}',
            b'{"resources": [], "next_cursor": ["a"]}',
            page_of(cursor="x" * 4097),
        ],
        ids=lambda body: str(body[:50]),
    )
    def test_an_answer_that_is_no_page_is_refused_whole(self, body: bytes) -> None:
        with pytest.raises(RemoteMalformed) as refused:
            split_page(body, call="list", request_id="request-1")

        assert refused.value.call == "list"
        assert refused.value.request_id == "request-1"

    @pytest.mark.parametrize("records", [[], [encoded(SMALLEST)], [b'{"half": "\\ud83d"}', encoded(SMALLEST)]])
    def test_a_page_that_was_cut_anywhere_is_refused_whole(self, records: list[bytes]) -> None:
        body = page_of(*records, cursor="next")
        assert len(split_page(body, call="list").items) == len(records)

        for length in range(len(body)):
            with pytest.raises(RemoteMalformed):
                split_page(body[:length], call="list")

    @pytest.mark.parametrize("cursor", [None, "a", "x" * 4096])
    def test_the_cursor_of_the_next_page_is_told(self, cursor: str | None) -> None:
        assert split_page(page_of(cursor=cursor), call="list").next_cursor == cursor
        assert split_page(b'{"resources": [], "next_cursor": null}', call="list").next_cursor is None

    def test_an_empty_page_is_a_page(self) -> None:
        assert split_page(b' {"resources" : [ ]} \n', call="list").items == ()

    @pytest.mark.parametrize(
        "record", [b"null", b"5", b"[]", b'"text"', b"{}", b'{"asset_id": 5}', b'{"asset_id": "A"}']
    )
    def test_a_record_without_an_id_does_not_spoil_the_others(self, record: bytes) -> None:
        bad, good = split_page(page_of(record, encoded(SMALLEST)), call="list").items

        assert bad.asset_id is None
        assert good.asset_id == ASSET_ID
        with pytest.raises(BadItem):
            normalize(bad.raw)

    @pytest.mark.parametrize("broken", [b'"half \\ud83d"', b'"\\udc00\\ud83d"', b"NaN", b"-Infinity"])
    def test_a_record_that_no_strict_reader_takes_does_not_spoil_the_others(self, broken: bytes) -> None:
        good = encoded({**SMALLEST, "metadata": {"a": 1.5, "b": "ü"}, "version": 2**62})
        bad = b'{"asset_id": "' + b"f" * 32 + b'", "unknown": ' + broken + b"}"

        first, second, third = split_page(page_of(good, bad, good, cursor="next"), call="list").items

        assert normalize(first.raw).fingerprint == normalize(third.raw).fingerprint == normalize(good).fingerprint
        with pytest.raises(BadItem, match="not_json"):
            normalize(second.raw)

    @given(body=st.binary(max_size=200) | json_values.map(encoded))
    @example(body=page_of(nested(100_000).encode()))
    @example(body=page_of(b'{"n": ' + b"1" * 5_000 + b', "half": "\\ud83d"}'))
    def test_any_bytes_are_a_page_or_are_refused(self, body: bytes) -> None:
        try:
            page = split_page(body, call="list")
        except RemoteMalformed:
            return
        for item in page.items:
            taken(item.raw)

    @given(document=documents, member=st.sampled_from(sorted(SOURCES)), value=json_values)
    def test_any_value_in_any_member_is_taken_or_refused(
        self, document: dict[str, Any], member: str, value: object
    ) -> None:
        taken(encoded({**document, member: value}))
