"""Answers of the Admin API: what makes a page valid, and one asset normalized from one document.

Belongs here: splitting a page, strict typing, the projection of a read path, digest and fingerprint.
Not here: HTTP and the SDK (``remote.client``), what is done with an asset (``mirror``).

A document that breaks a rule raises ``BadItem`` and is set aside alone; a page that breaks one raises
``RemoteMalformed`` and proves nothing. Fields that we do not know are never an error: the document is kept whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Raw, Struct

from media_pipeline.errors import RemoteMalformed
from media_pipeline.vocabulary import AssetId

NORMALIZER_VERSION: Final = b"1"
"""Part of every document digest: raising it makes every document be normalized again."""

PROJECTION: Final = {"tags": True, "context": True, "metadata": True, "moderations": True}
"""The flags of listing and point read. Both then carry the same fields, the ones of ``FIELDS``.

Not observed on these paths, and so neither mirrored as columns nor compared: etag, version_id, signature,
uploaded_at, last_updated and everything that only detail, search or upload answers carry. The parameter
``fields`` would bring some of them and lose display_name, access_mode and placeholder.
"""

FIELDS: Final = (
    "resource_type",
    "delivery_type",
    "public_id",
    "format",
    "version",
    "created_at",
    "size_bytes",
    "width_px",
    "height_px",
    "asset_folder",
    "display_name",
    "tags",
    "context",
    "metadata",
    "access_mode",
    "access_control",
    "moderation_kind",
    "moderation_status",
    "is_placeholder",
    "is_backed_up",
    "secure_url",
)
"""Mirrored fields in the order of the fingerprint; table ``mirror.asset_field`` holds the same."""

ROW_TYPES: Final = (
    *("text", "text", "text", "text", "text", "int8", "timestamptz", "int8", "int4", "int4", "text", "text"),
    *("text[]", "jsonb", "jsonb", "text", "jsonb", "text", "text", "bool", "bool", "text"),
    *("bytea", "jsonb", "bytea"),
)
"""Types of the columns of ``Observation.as_row``."""

_MAX_INDEXED_BYTES = 2000  # a B-tree entry of Postgres ends at 2704 bytes
_MAX_TAG_CHARACTERS = 255  # cloudinary-api: limit of a tag; a GIN entry of Postgres ends at 2712 bytes

_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Pixels = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class BadItem(Exception):
    """One record that breaks a rule.

    Attributes:
        reason: short code for counting, such as ``wrong_type``.
        asset_id: as far as it could be read.
    """

    def __init__(self, reason: str, detail: str, asset_id: str | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.asset_id = asset_id


class _Page(Struct):
    resources: list[Raw]
    next_cursor: str | None = None
    error: Any = msgspec.UNSET


class _Key(Struct):
    asset_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


class Etag(Struct):
    """What proves the bytes of an asset: their MD5 in hex, with the version and the size that it is of."""

    asset_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    etag: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")] | None = None
    version: _Count | None = None
    size_bytes: _Count | None = msgspec.field(name="bytes", default=None)


class _Document(Struct):
    """The known members of an asset document, by Cloudinary's names; others are left alone."""

    asset_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    public_id: Annotated[str, Meta(min_length=1)]
    resource_type: Annotated[str, Meta(min_length=1, max_length=64)]
    type: Annotated[str, Meta(min_length=1, max_length=64)]
    format: str | None = None
    version: _Count | None = None
    created_at: Annotated[datetime, Meta(tz=True)] | None = None
    bytes: _Count | None = None
    width: _Pixels | None = None
    height: _Pixels | None = None
    asset_folder: str | None = None
    folder: str | None = None
    display_name: str | None = None
    tags: list[str] | None = None
    context: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    access_mode: str | None = None
    access_control: list[Any] | None = None
    moderation: list[dict[str, Any]] | None = None
    moderation_kind: str | None = None
    moderation_status: str | None = None
    placeholder: bool | None = None
    backup: bool | None = None
    secure_url: str | None = None


_KNOWN_MEMBERS: Final = frozenset(field.name for field in msgspec.structs.fields(_Document))

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_UNHOLDABLE: Final = (*_UNREADABLE, OverflowError, ValueError)

_page_decoder = msgspec.json.Decoder(_Page)
_key_decoder = msgspec.json.Decoder(_Key)
_etag_decoder = msgspec.json.Decoder(Etag)
_document_decoder = msgspec.json.Decoder(_Document)
_object_decoder = msgspec.json.Decoder(dict[str, Any])
_fingerprint_encoder = msgspec.msgpack.Encoder(order="deterministic")


class RawItem(Struct, frozen=True):
    """One record of a page before anything is concluded from it.

    ``asset_id`` is None where the record does not carry a valid one; ``digest`` has 16 bytes.
    """

    raw: bytes
    digest: bytes
    asset_id: AssetId | None


@dataclass(frozen=True, slots=True)
class Page:
    """A valid page: its records in order, and the cursor of the next page, if any."""

    items: tuple[RawItem, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PageHead:
    """How many records a valid page has, and the cursor of the next page, if any.

    ``records_digest`` has 16 bytes and covers the records as received, not the cursor; like ``digest`` it changes with
    ``NORMALIZER_VERSION``.
    """

    record_count: int
    records_digest: bytes
    next_cursor: str | None


class Observation(Struct, frozen=True):
    """One asset as a read showed it, in our words; ``None`` means that the document says so or omits it.

    ``tags`` are sorted and unique; ``context`` maps keys to text; ``fingerprint`` has 16 bytes and covers
    exactly ``FIELDS``.
    """

    asset_id: AssetId
    resource_type: str
    delivery_type: str
    public_id: str
    format: str | None
    version: int | None
    created_at: datetime | None
    size_bytes: int | None
    width_px: int | None
    height_px: int | None
    asset_folder: str | None
    display_name: str | None
    tags: tuple[str, ...]
    context: Mapping[str, str]
    metadata: Mapping[str, Any]
    access_mode: str | None
    access_control: Sequence[Any] | None
    moderation_kind: str | None
    moderation_status: str | None
    is_placeholder: bool
    is_backed_up: bool
    secure_url: str | None
    fingerprint: bytes
    document: bytes
    document_digest: bytes

    @property
    def extra(self) -> dict[str, Any]:
        """Members of the document that no field above comes from."""
        members = _object_decoder.decode(self.document)
        return {name: value for name, value in members.items() if name not in _KNOWN_MEMBERS}

    def as_row(self) -> tuple[object, ...]:
        """The columns of ``page_content`` (sql/mirror), in its order and for ``ROW_TYPES``."""
        return (
            self.asset_id,
            self.resource_type,
            self.delivery_type,
            self.public_id,
            self.format,
            self.version,
            self.created_at,
            self.size_bytes,
            self.width_px,
            self.height_px,
            self.asset_folder,
            self.display_name,
            list(self.tags),
            self.context,
            self.metadata,
            self.access_mode,
            self.access_control,
            self.moderation_kind,
            self.moderation_status,
            self.is_placeholder,
            self.is_backed_up,
            self.secure_url,
            self.fingerprint,
            Raw(self.document),
            self.document_digest,
        )


def digest(raw: bytes) -> bytes:
    """Digest of one record as received, 16 bytes; changes with ``NORMALIZER_VERSION`` too."""
    return hashlib.blake2b(raw, digest_size=16, key=NORMALIZER_VERSION).digest()


def split_page(body: bytes, *, call: str, request_id: str | None = None) -> Page:
    """Take a listing or point-read answer apart without looking into its records.

    Raises:
        RemoteMalformed: not a JSON object, no list ``resources``, a key ``error``, or an unusable cursor.
    """
    page = _valid_page(body, call, request_id)
    return Page(items=tuple(_raw_item(bytes(raw)) for raw in page.resources), next_cursor=page.next_cursor)


def head_of_page(body: bytes, *, call: str, request_id: str | None = None) -> PageHead:
    """What a walk needs of a page: a fifth of the work of ``split_page``.

    Raises:
        RemoteMalformed: as ``split_page``.
    """
    page = _valid_page(body, call, request_id)
    return PageHead(len(page.resources), digest(b"".join(page.resources)), page.next_cursor)


def _valid_page(body: bytes, call: str, request_id: str | None) -> _Page:
    def malformed(reason: str) -> RemoteMalformed:
        return RemoteMalformed(reason, call=call, request_id=request_id)

    try:
        page = _page_decoder.decode(body)
    except _UNREADABLE as error:
        try:
            page = _lenient_page(body)
        except (*_UNREADABLE, ValueError):
            raise malformed(f"The answer is not a page of assets: {error}") from None
    if page.error is not msgspec.UNSET:
        raise malformed("The answer carries an error although its status is success")
    if page.next_cursor == "" or (page.next_cursor is not None and len(page.next_cursor) > 4096):
        raise malformed("The cursor of the next page is empty or longer than 4096 characters")
    return page


def _lenient_page(body: bytes) -> _Page:
    """Read a page that the strict decoder refuses as a whole because one record holds half a surrogate pair.

    The records are written anew, so their digests differ from those of the strict road: they are normalized
    again each time, which is right for a page that holds a bad record.
    """
    members = json.loads(body)
    if not isinstance(members, dict) or not isinstance(members.get("resources"), list):
        raise ValueError("not a page")
    rewritten = [Raw(json.dumps(record).encode()) for record in members.pop("resources")]
    page = msgspec.convert({**members, "resources": []}, _Page)
    page.resources = rewritten
    return page


def _raw_item(raw: bytes) -> RawItem:
    try:
        asset_id: AssetId | None = AssetId(_key_decoder.decode(raw).asset_id)
    except _UNREADABLE:
        asset_id = None
    return RawItem(raw=raw, digest=digest(raw), asset_id=asset_id)


def etag_of(raw: bytes) -> Etag:
    """The MD5 of an asset's bytes out of one document; its ``etag`` is None where the document does not tell it.

    Raises:
        BadItem: no 32-hex asset_id, or an etag that is no MD5.
    """
    try:
        return _etag_decoder.decode(raw)
    except _UNREADABLE as error:
        raise BadItem("bad_etag", str(error), _readable_asset_id(raw)) from None


def normalize(raw: bytes, *, document_digest: bytes | None = None) -> Observation:
    """Type one asset document of a listing, point read, detail or upload answer.

    Args:
        document_digest: ``digest(raw)``, where the caller has it already.

    Raises:
        BadItem: the document breaks a rule: no 32-hex asset_id, a wrong type, a value out of range, text that
            Postgres cannot hold (U+0000, lone surrogates) or cannot index.
    """
    try:
        return _normalize(raw, document_digest or digest(raw))
    except _UNHOLDABLE as error:
        raise BadItem("out_of_range", str(error), _readable_asset_id(raw)) from None


def _normalize(raw: bytes, document_digest: bytes) -> Observation:
    try:
        known = _document_decoder.decode(raw)
        # Members that we do not know are skipped by the decoder, not looked into; Postgres looks.
        raw.decode()
    except msgspec.ValidationError as error:
        reason = "bad_asset_id" if "$.asset_id" in str(error) or "`asset_id`" in str(error) else "wrong_type"
        raise BadItem(reason, str(error), _readable_asset_id(raw)) from None
    except _UNREADABLE as error:
        raise BadItem("not_json", str(error), _readable_asset_id(raw)) from None
    asset_id = known.asset_id
    if b"\\u0000" in raw and _holds_nul(_object_decoder.decode(raw)):
        raise BadItem("nul_character", "a text holds U+0000, which Postgres cannot store", asset_id)
    _check_bounds(known, asset_id)
    moderation_kind, moderation_status = _moderation(known)
    fields = (
        known.resource_type,
        known.type,
        known.public_id,
        known.format,
        known.version,
        known.created_at,
        known.bytes,
        known.width,
        known.height,
        known.asset_folder if known.asset_folder is not None else known.folder,
        known.display_name,
        tuple(sorted(set(known.tags or ()))),
        _context(known.context, asset_id),
        known.metadata or {},
        known.access_mode,
        known.access_control,
        moderation_kind,
        moderation_status,
        bool(known.placeholder),
        bool(known.backup),
        known.secure_url,
    )
    return Observation(
        AssetId(known.asset_id),
        *fields,
        fingerprint=hashlib.blake2b(_fingerprint_encoder.encode(fields), digest_size=16).digest(),
        document=raw,
        document_digest=document_digest,
    )


def _readable_asset_id(raw: bytes) -> str | None:
    """The asset_id of a record that may be bad in other places, for the quarantine."""
    try:
        return _key_decoder.decode(raw).asset_id
    except _UNREADABLE:
        return None


def _check_bounds(known: _Document, asset_id: str | None) -> None:
    for name, text in (("public_id", known.public_id), ("asset_folder", known.asset_folder or known.folder or "")):
        if len(text.encode()) > _MAX_INDEXED_BYTES:
            raise BadItem("too_long", f"{name} is longer than {_MAX_INDEXED_BYTES} bytes", asset_id)
    for tag in known.tags or ():
        if not 0 < len(tag) <= _MAX_TAG_CHARACTERS:
            detail = f"a tag has {len(tag)} characters; 1 to {_MAX_TAG_CHARACTERS} are possible"
            raise BadItem("bad_tag", detail, asset_id)


def _context(context: dict[str, Any] | None, asset_id: str | None) -> dict[str, str]:
    """Contextual metadata: ``{"custom": {…}}`` in most answers, flat in search answers."""
    if not context:
        return {}
    pairs = context["custom"] if isinstance(context.get("custom"), dict) else context
    for key, value in pairs.items():
        if not isinstance(value, str):
            raise BadItem("wrong_type", f"context {key!r} is not text", asset_id)
    return pairs


def _moderation(known: _Document) -> tuple[str | None, str | None]:
    """Kind and status: flat in listings, a list in details, of which the last is the one in force."""
    if known.moderation_kind is not None or known.moderation_status is not None or not known.moderation:
        return known.moderation_kind, known.moderation_status
    latest = known.moderation[-1]
    kind, status = latest.get("kind"), latest.get("status")
    return (kind if isinstance(kind, str) else None), (status if isinstance(status, str) else None)


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in key or _holds_nul(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(_holds_nul(inner) for inner in value)
    return False
