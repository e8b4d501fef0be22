"""What the answer of a write says was done.

Belongs here: the few members of such an answer that decide something, and their absence.
Not here: whether the write succeeded at all (``remote.answers``), the asset itself (a read brings that).
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from media_pipeline.remote.answers import odd_document
from media_pipeline.remote.calls import AssetsChanged, AssetsDeleted, Call, FieldCreated, WrittenAsset
from media_pipeline.remote.transport import Answer
from media_pipeline.vocabulary import AssetId

ASSET_ID = re.compile(r"[0-9a-f]{32}")

_Document = TypeVar("_Document")


class _AssetDocument(msgspec.Struct):
    asset_id: str
    public_id: str
    existing: bool = False
    etag: str | None = None


class _ChangedDocument(msgspec.Struct):
    public_ids: list[str]


class _DeletedDocument(msgspec.Struct):
    deleted: dict[str, str]
    partial: bool = False


class _FieldDocument(msgspec.Struct):
    external_id: str


def written_asset(call: Call, answer: Answer) -> WrittenAsset:
    """Read the answer of an upload, an update or a rename.

    Raises:
        RemoteOutcomeUnknown: like all functions here, where the answer lacks what it must have.
    """
    document = _document(call, answer, _AssetDocument)
    if not ASSET_ID.fullmatch(document.asset_id):
        raise odd_document(call, answer, f"names no asset: {document.asset_id!r}")
    return WrittenAsset(
        asset_id=AssetId(document.asset_id),
        public_id=document.public_id,
        is_existing=document.existing,
        etag=document.etag,
        body=answer.body,
        request_id=answer.request_id,
        received_at=answer.received_at,
    )


def assets_changed(call: Call, answer: Answer) -> AssetsChanged:
    """Read the answer of a change of several assets by their public_ids."""
    document = _document(call, answer, _ChangedDocument)
    return AssetsChanged(frozenset(document.public_ids), answer.request_id, answer.received_at)


def assets_deleted(call: Call, answer: Answer) -> AssetsDeleted:
    """Read the answer of a deletion."""
    document = _document(call, answer, _DeletedDocument)
    return AssetsDeleted(document.deleted, document.partial, answer.request_id, answer.received_at)


def field_created(call: Call, answer: Answer) -> FieldCreated:
    """Read the answer of a new definition of structured metadata."""
    document = _document(call, answer, _FieldDocument)
    return FieldCreated(document.external_id, answer.body, answer.request_id, answer.received_at)


def _document(call: Call, answer: Answer, kind: type[_Document]) -> _Document:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise odd_document(call, answer, f"cannot be understood: {error}") from error
