"""Polled messages and triggers, as the answers of Cloudinary show them.

Belongs here: taking these answers apart.
Not here: what proves a message (``intake.signature``), who acknowledges (``polling``), which triggers are wanted.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Literal

import msgspec

from media_pipeline.errors import RemoteMalformed
from media_pipeline.remote.calls import NOTIFICATIONS, TRIGGERS, RawPage


@dataclass(frozen=True, slots=True)
class PolledMessage:
    """One claimed message; it comes back after its visibility time unless it is acknowledged.

    Attributes:
        receipt_handle: for the acknowledgement of exactly this claim; None if the answer has none.
        body: the signed bytes; None where they cannot be decoded.
        timestamp: text of the signature's time, as in the header of a webhook; None where it is missing.
        signature: in hex; None where it is missing.
        raw: the whole message as it came.
    """

    receipt_handle: str | None
    body: bytes | None
    timestamp: str | None
    signature: str | None
    raw: bytes


class Trigger(msgspec.Struct, frozen=True):
    """A global recipient of notifications, in the words of the API.

    Attributes:
        additive: it also gets events whose call named a recipient of its own.
        auth_scheme: ``default`` (both signatures), ``legacy_hmac`` or ``eddsa_v2``; None where it is not told.
    """

    id: str
    uri: str
    event_type: str
    uri_type: str = "webhook"
    additive: bool = False
    auth_scheme: str | None = None


class _Messages(msgspec.Struct):
    messages: list[msgspec.Raw] = []


class _Triggers(msgspec.Struct):
    triggers: list[Trigger]


def messages(page: RawPage) -> list[PolledMessage]:
    """The messages of an answer, in its order; one that is odd does not keep the others.

    Raises:
        RemoteMalformed: there is no list of messages where there should be one.
    """
    try:
        found = msgspec.json.decode(page.body, type=_Messages).messages
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteMalformed(
            f"The messages cannot be read: {error}", call=NOTIFICATIONS.name, request_id=page.request_id
        ) from error
    return [_message(bytes(one)) for one in found]


def triggers(page: RawPage) -> list[Trigger]:
    """All triggers of an answer.

    Raises:
        RemoteMalformed: one lacks what every trigger has.
    """
    try:
        return msgspec.json.decode(page.body, type=_Triggers).triggers
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteMalformed(
            f"The triggers cannot be read: {error}", call=TRIGGERS.name, request_id=page.request_id
        ) from error


def _message(raw: bytes) -> PolledMessage:
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    members = document if isinstance(document, dict) else {}
    payload = _text(members, "signed_payload")
    return PolledMessage(
        receipt_handle=_text(members, "receipt_handle"),
        body=None if payload is None else _decoded(payload),
        timestamp=_text(members, "timestamp"),
        signature=_text(members, "signature"),
        raw=raw,
    )


def _text(
    members: dict[str, object], name: Literal["receipt_handle", "signed_payload", "timestamp", "signature"]
) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) and value else None


def _decoded(payload: str) -> bytes | None:
    """Base64 in its form for addresses, whose padding is left out."""
    try:
        return base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
