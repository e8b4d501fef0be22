"""The closed vocabularies of the system, one word for one meaning.

Belongs here: ids and enumerations that more than one room uses. Each enumeration that the database
stores has a lookup table or a check constraint with the same members; a house-rules test compares them.
Not here: words of Cloudinary's answers that only ``remote`` knows, settings, SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

AssetId = NewType("AssetId", str)
"""Cloudinary's immutable key of an asset: 32 lower-case hexadecimal digits."""

ListingRunId = NewType("ListingRunId", int)
ChangeWindowId = NewType("ChangeWindowId", int)
RunId = NewType("RunId", int)
ReportId = NewType("ReportId", int)
HoldId = NewType("HoldId", int)
ChangeSetId = NewType("ChangeSetId", int)
OperationId = NewType("OperationId", int)
ConflictId = NewType("ConflictId", int)
PlanId = NewType("PlanId", int)
SnapshotId = NewType("SnapshotId", int)


class ResourceType(StrEnum):
    """Cloudinary's ``resource_type``."""

    IMAGE = "image"
    VIDEO = "video"
    RAW = "raw"


class ListingRunState(StrEnum):
    """Life of one walk of one slice.

    open → complete (last page had no cursor) → closed (pages applied, suspects settled or counted);
    complete → held (suspects wait for an approval) → closed; open → broken.
    """

    OPEN = "open"
    COMPLETE = "complete"
    BROKEN = "broken"
    HELD = "held"
    CLOSED = "closed"


class WindowKind(StrEnum):
    """Why the search is asked what changed within a time."""

    RECENT = "recent"
    OUTAGE = "outage"


class WindowState(StrEnum):
    """Life of one walk through a time: open → complete, or → broken where it comes to no end."""

    OPEN = "open"
    COMPLETE = "complete"
    BROKEN = "broken"


class ListingWish(StrEnum):
    """Why a full listing is wanted before the next night."""

    FIRST = "first"
    OUTAGE = "outage"
    FLOOD = "flood"


class SightingState(StrEnum):
    """What is proved of an asset's existence."""

    LIVE = "live"
    SUSPECT = "suspect"
    TOMBSTONE = "tombstone"


class VerifyReason(StrEnum):
    """Why an asset is to be read again by its id."""

    SUSPECT = "suspect"
    WINDOW = "window"
    PLACEHOLDER = "placeholder"
    NOTIFICATION = "notification"
    SEARCH = "search"
    PUSH = "push"
    MANUAL = "manual"


class Channel(StrEnum):
    """How a notification came."""

    WEBHOOK = "webhook"
    POLL = "poll"


class NotificationOutcome(StrEnum):
    """What a notification led to."""

    HINTED = "hinted"
    NO_ASSET = "no_asset"
    NOT_MIRRORED = "not_mirrored"
    FOLDERS = "folders"
    UNKNOWN_TYPE = "unknown_type"
    FOREIGN_CLOUD = "foreign_cloud"
    QUARANTINED = "quarantined"


class ChangeKind(StrEnum):
    """What a change did to an asset, the most telling word first where several fit."""

    CREATED = "created"
    RESTORED = "restored"
    DELETED = "deleted"
    CONFLICT = "conflict"
    RENAMED = "renamed"
    MOVED = "moved"
    UPDATED = "updated"


class ChangeState(StrEnum):
    """Life of one change of a change set."""

    PENDING = "pending"
    APPLIED = "applied"
    HELD = "held"
    SUPERSEDED = "superseded"
    REFUSED = "refused"


class OperationKind(StrEnum):
    """What an operation does to its asset."""

    DELETE = "delete"
    RESTORE = "restore"
    RENAME = "rename"
    UPDATE_TAGS = "update_tags"
    UPDATE_CONTEXT = "update_context"
    UPDATE_METADATA = "update_metadata"
    UPDATE_DISPLAY_NAME = "update_display_name"
    UPDATE_FOLDER = "update_folder"
    UPDATE_ACCESS_CONTROL = "update_access_control"
    UPLOAD = "upload"
    REPLACE = "replace"


class OperationState(StrEnum):
    """Life of an operation.

    pending → leased → sent → done; leased → unknown (a read must show what happened) → done or pending;
    refused, conflict and cancelled are ends without effect.
    """

    PENDING = "pending"
    LEASED = "leased"
    UNKNOWN = "unknown"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    CONFLICT = "conflict"
    CANCELLED = "cancelled"


class ConflictState(StrEnum):
    """Who won a conflict."""

    OPEN = "open"
    LOCAL_WINS = "local_wins"
    REMOTE_WINS = "remote_wins"


class PlanPart(StrEnum):
    """What a push plan is about: what is held keeps no edit waiting."""

    DELETIONS = "deletions"
    REPLACEMENTS = "replacements"
    EDITS = "edits"


class PlanState(StrEnum):
    """Life of a push plan."""

    HELD = "held"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    APPLIED = "applied"


class HoldKind(StrEnum):
    """What a hold keeps back."""

    SUSPECTS = "suspects"
    DELETIONS = "deletions"


class HoldState(StrEnum):
    """Life of a hold: open until a person decides, or until a newer one replaces it."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    REPLACED = "replaced"


class VaultState(StrEnum):
    """What reading a file of the vault showed."""

    WHOLE = "whole"
    CORRUPT = "corrupt"
    MISSING = "missing"


class RunKind(StrEnum):
    """What a run of the pipeline was asked to do."""

    FULL_SYNC = "full_sync"
    INCREMENTAL_SYNC = "incremental_sync"
    BACKFILL = "backfill"
    VERIFY = "verify"
    PUSH = "push"
    DRAIN = "drain"
    CANARY = "canary"
    DEFINITIONS = "definitions"
    QUALITY = "quality"
    REPORTS = "reports"
    UPKEEP = "upkeep"


class Severity(StrEnum):
    """How grave it is where an expectation is not met."""

    CRITICAL = "critical"
    WARNING = "warning"


class ExpectationState(StrEnum):
    """What became of an expectation; unknown where it could not be asked, which is no yes."""

    MET = "met"
    FAILED = "failed"
    UNKNOWN = "unknown"


class RunState(StrEnum):
    """Life of a run."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    HELD = "held"
    FAILED = "failed"


class CallPurpose(StrEnum):
    """For what an Admin API call is spent; listings and folders have a share of the allowance."""

    LISTING = "listing"
    VERIFY = "verify"
    FOLDERS = "folders"
    PUSH = "push"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Slice:
    """One resource type × delivery type: what one listing run walks."""

    resource_type: ResourceType
    delivery_type: str

    def __str__(self) -> str:
        return f"{self.resource_type}/{self.delivery_type}"


@dataclass(frozen=True, slots=True)
class CloudIdentity:
    """Who a cloud says it is; ``folder_mode`` is dynamic or fixed."""

    cloud_name: str
    is_emulator: bool
    folder_mode: str

    def __str__(self) -> str:
        return f"{self.cloud_name} ({'emulator' if self.is_emulator else 'Cloudinary'})"
