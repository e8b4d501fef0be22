"""The calls we make of Cloudinary: what each costs, needs and gives back.

Belongs here: the closed table of calls, the results of the client, the contract with a budget.
Not here: making a call (``remote.client``), reading an asset out of a page (``remote.payloads``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from media_pipeline.vocabulary import AssetId, CallPurpose


@dataclass(frozen=True, slots=True)
class Call:
    """One kind of call.

    Attributes:
        name: as it stands in logs, errors and the budget's ledger.
        permission: what the API key needs for it, in words for a person.
        is_write: it changes something, so it is never repeated by itself.
        is_counted: one request of it costs one Admin API call; Upload API requests cost none.
        list_key: the member that a good answer carries as a list, where there is one.
    """

    name: str
    permission: str
    is_write: bool = False
    is_counted: bool = True
    list_key: str | None = None


LIST_PAGE = Call("list_page", "assets: read", list_key="resources")
READ_ASSETS = Call("read_assets", "assets: read", list_key="resources")
READ_ASSET = Call("read_asset", "assets: read")
READ_ETAGS = Call("read_etags", "assets: read", list_key="resources")
FETCH_ORIGINAL = Call("fetch_original", "assets: read", is_counted=False)
SEARCH = Call("search", "assets: read", list_key="resources")
SEARCH_FOLDERS = Call("search_folders", "folders: read", list_key="folders")
ROOT_FOLDERS = Call("root_folders", "folders: read", list_key="folders")
SUBFOLDERS = Call("subfolders", "folders: read", list_key="folders")
METADATA_FIELDS = Call("metadata_fields", "metadata fields: read", list_key="metadata_fields")
CONFIG = Call("config", "product environment: read")
PING = Call("ping", "Admin API: use")
NOTIFICATIONS = Call("notifications", "notifications: read", is_counted=False)
ACKNOWLEDGE = Call("acknowledge", "notifications: read", is_write=True, is_counted=False, list_key="results")
TRIGGERS = Call("triggers", "triggers: read", list_key="triggers")
CREATE_TRIGGER = Call("create_trigger", "triggers: create", is_write=True)
UPDATE_TRIGGER = Call("update_trigger", "triggers: update", is_write=True)
DELETE_TRIGGER = Call("delete_trigger", "triggers: delete", is_write=True)
UPLOAD = Call("upload", "assets: create", is_write=True, is_counted=False)
CHANGE_TAGS = Call("change_tags", "assets: update", is_write=True, is_counted=False)
ADD_CONTEXT = Call("add_context", "assets: update", is_write=True, is_counted=False)
SET_METADATA = Call("set_metadata", "assets: update", is_write=True, is_counted=False)
RENAME = Call("rename", "assets: rename", is_write=True, is_counted=False)
UPDATE = Call("update", "assets: update", is_write=True)
DELETE_ASSETS = Call("delete_assets", "assets: delete", is_write=True)
RESTORE_ASSETS = Call("restore_assets", "assets: restore", is_write=True)
CREATE_METADATA_FIELD = Call("create_metadata_field", "metadata fields: create", is_write=True)


class TagCommand(StrEnum):
    """The two changes of tags that commute with everybody else's."""

    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class RawPage:
    """The answer of a read, byte for byte; proved to be a JSON object without an error, no more."""

    body: bytes
    status: int
    request_id: str | None
    received_at: datetime


class OriginalSource(StrEnum):
    """Where the bytes of an original are asked for: the delivery network, or the API itself."""

    DELIVERY = "delivery"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class Original:
    """What is needed to ask for an asset's original, as a read showed it."""

    asset_id: AssetId
    resource_type: str
    delivery_type: str
    public_id: str
    format: str | None
    version: int | None
    size_bytes: int
    secure_url: str | None


class Sink(Protocol):
    """Takes the bytes of an original, piece by piece, so that memory stays bounded."""

    def restart(self) -> None:
        """Forget what came: the request is made again."""

    def write(self, piece: bytes) -> None:
        """Take the next piece; must not raise ``OSError``, which would pass for one of the connection."""


@dataclass(frozen=True, slots=True)
class WrittenAsset:
    """An asset as the answer of an upload, an update or a rename describes it.

    Attributes:
        is_existing: an upload that must not overwrite found the public_id taken and changed nothing.
        etag: MD5 of the stored bytes in hex, where the answer tells it.
        body: the answer, byte for byte; a hint only, since the shapes differ from those of a read.
    """

    asset_id: AssetId
    public_id: str
    is_existing: bool
    etag: str | None
    body: bytes
    request_id: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class AssetsChanged:
    """Which public_ids a change of several assets found; one that is missing here was not changed."""

    public_ids: frozenset[str]
    request_id: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class AssetsDeleted:
    """What Cloudinary says of each asset of a deletion.

    Attributes:
        outcomes: by public_id (not by asset_id): ``deleted``, ``not_found`` or a word we do not know.
            A missing public_id and ``not_found`` prove nothing.
        is_partial: Cloudinary stopped before the end.
    """

    outcomes: Mapping[str, str]
    is_partial: bool
    request_id: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class RestoreAccepted:
    """Cloudinary took an order to restore; only a read shows which assets are back."""

    request_id: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class FieldCreated:
    """A definition of structured metadata that now exists."""

    external_id: str
    body: bytes
    request_id: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One request that was made, for logs and counters.

    Attributes:
        status: HTTP status, or None where no answer came.
        bytes_received: size of the answer's body.
    """

    call: str
    purpose: CallPurpose
    status: int | None
    duration_seconds: float
    request_id: str | None
    bytes_received: int


class Budget(Protocol):
    """Who is asked before an Admin API call and told what it cost.

    Every ``acquire`` that returns is followed by exactly one ``observe`` of the same call and purpose.
    """

    def acquire(self, purpose: CallPurpose, call: str) -> None:
        """Take one call out of the allowance.

        Raises:
            RateLimited: the allowance, or the share of this purpose, is spent.
        """

    def observe(
        self,
        limit: int | None,
        remaining: int | None,
        reset_at: datetime | None,
        *,
        call: str,
        purpose: CallPurpose,
        cost: int,
    ) -> None:
        """Note what the answer says of the allowance.

        Args:
            limit: calls an hour; None, like the next two, where no answer or no such header came.
            remaining: calls left until *reset_at*.
            reset_at: when the allowance is given anew.
            call: name of the call, as in ``acquire``.
            purpose: as in ``acquire``.
            cost: 1, or 0 if no byte of the request left this machine.
        """


class UnlimitedBudget:
    """A budget for ``doctor`` and tests: never refuses, remembers nothing."""

    def acquire(self, purpose: CallPurpose, call: str) -> None:
        """Allow the call."""

    def observe(
        self,
        limit: int | None,
        remaining: int | None,
        reset_at: datetime | None,
        *,
        call: str,
        purpose: CallPurpose,
        cost: int,
    ) -> None:
        """Forget it."""
