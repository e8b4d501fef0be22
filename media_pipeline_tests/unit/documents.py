"""Documents of assets for tests: the smallest one, made-up ones, and what each should become.

Belongs here: strategies of documents, the fields said once more and in another way than the program says them.
Not here: the tests, documents that break a rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st

from media_pipeline.remote.payloads import FIELDS, BadItem, Observation, digest, normalize

ASSET_ID: Final = "0123456789abcdef" * 2
SMALLEST: Final = {"asset_id": ASSET_ID, "public_id": "a", "resource_type": "image", "type": "upload"}


def encoded(document: object) -> bytes:
    """A document as a server writes it."""
    return json.dumps(document).encode()


def taken(raw: bytes) -> Observation | None:
    """What a record becomes; None if it is refused as a bad item. Any other error is the test's failure."""
    try:
        found = normalize(raw)
    except BadItem as bad:
        assert bad.reason  # noqa: PT017  # both ends are right, and each has its own promise
        return None
    assert found.document == raw
    return found


def expected(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a document."""
    moderation = (document.get("moderation") or [{}])[-1]
    context = document.get("context") or {}
    created_at = document.get("created_at")
    folder = document.get("asset_folder")
    return {
        "asset_id": document["asset_id"],
        "resource_type": document["resource_type"],
        "delivery_type": document["type"],
        "public_id": document["public_id"],
        "format": document.get("format"),
        "version": document.get("version"),
        "created_at": None if created_at is None else datetime.fromisoformat(created_at),
        "size_bytes": document.get("bytes"),
        "width_px": document.get("width"),
        "height_px": document.get("height"),
        "asset_folder": document.get("folder") if folder is None else folder,
        "display_name": document.get("display_name"),
        "tags": tuple(sorted(set(document.get("tags") or []))),
        "context": context["custom"] if isinstance(context.get("custom"), dict) else context,
        "metadata": document.get("metadata") or {},
        "access_mode": document.get("access_mode"),
        "access_control": document.get("access_control"),
        "moderation_kind": document.get("moderation_kind", moderation.get("kind")),
        "moderation_status": document.get("moderation_status", moderation.get("status")),
        "is_placeholder": document.get("placeholder") or False,
        "is_backed_up": document.get("backup") or False,
        "secure_url": document.get("secure_url"),
    }


# Members of a document that a field comes from; everything else is kept beside the fields.
SOURCES = {
    *("asset_id", "public_id", "resource_type", "type", "format", "version", "created_at", "bytes", "width", "height"),
    *("asset_folder", "folder", "display_name", "tags", "context", "metadata", "access_mode", "access_control"),
    *("moderation", "moderation_kind", "moderation_status", "placeholder", "backup", "secure_url"),
}


def assert_nothing_is_lost(raw: bytes, found: Observation) -> None:
    """Each member is either where a field comes from, or kept beside the fields; and the bytes are kept whole."""
    document = json.loads(raw)
    assert {name: getattr(found, name) for name in ("asset_id", *FIELDS)} == expected(document)
    assert found.extra == {name: value for name, value in document.items() if name not in SOURCES}
    assert found.document == raw
    assert found.document_digest == digest(raw)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
words = texts.filter(bool)
moments = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
metadata_values = (
    texts | st.integers(-(2**63), 2**63 - 1) | st.lists(texts, max_size=3) | st.none() | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip

OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "format": texts,
    "version": st.integers(0, 2**63 - 1),
    "created_at": moments,
    "bytes": st.integers(0, 2**63 - 1),
    "width": st.integers(0, 2**31 - 1),
    "height": st.integers(0, 2**31 - 1),
    "asset_folder": texts,
    "display_name": texts,
    "tags": st.lists(words, max_size=4),
    "context": st.dictionaries(texts, texts, max_size=3).map(lambda pairs: {"custom": pairs}),
    "metadata": st.dictionaries(texts, metadata_values, max_size=3),
    "access_mode": texts,
    "access_control": st.lists(st.dictionaries(texts, texts, max_size=2), max_size=2),
    "moderation_kind": texts,
    "moderation_status": texts,
    "placeholder": st.booleans(),
    "backup": st.booleans(),
    "secure_url": texts,
}
documents = st.fixed_dictionaries(
    {"asset_id": st.just(ASSET_ID), "public_id": words, "resource_type": words, "type": words}, optional=OPTIONAL
)
unknown_members = st.dictionaries(texts.filter(lambda name: name not in SOURCES), metadata_values, max_size=3)
