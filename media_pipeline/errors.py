"""Every error that Media Pipeline raises on purpose.

Belongs here: the tree below, the data each error carries, the sentence a person reads, its exit code.
Not here: the translation from a library's errors (``remote.client``, ``db``), HTTP status codes (``web``).

    MediaPipelineError
    ├── ConfigurationError                    a setting is wrong or missing; nothing was done
    ├── DatabaseError
    │   ├── DatabaseUnreachable               no connection
    │   ├── EmbeddedServerError               the embedded Postgres cannot start here
    │   ├── MigrationNeeded / MigrationDrift  the schema is older / other than this program expects
    │   └── Fenced                            another process took over this activity; we wrote nothing
    ├── ActivityBusy                          the same activity runs elsewhere
    ├── WrongCloud                            the database belongs to another cloud, or the emulator is refused
    ├── RemoteError                           an answer of Cloudinary, or none
    │   ├── RemoteTransient                   RateLimited · RemoteUnavailable: trying again may help
    │   ├── RemotePermanent                   RemoteRejectedKey · RemoteForbidden · RemoteNotFound ·
    │   │                                     RemoteRefused · CursorRejected: trying again does not help
    │   ├── RemoteMalformed                   the answer is not what the API promises; nothing may be inferred
    │   └── RemoteOutcomeUnknown              a write may or may not have happened: look, then decide
    ├── ListingIncomplete                     a slice's run broke; what was read stays, absence proves nothing
    ├── HoldNotFound / HoldNotOpen            a decision about a hold that does not exist or is settled
    ├── AssetNotFound                         no asset is named so, or several are
    ├── NoCopy / VaultUnwritable              bytes that are to be kept are not
    ├── ArchiveUnwritable                     a month of the log cannot be written to its file
    ├── EditRefused                           a value that breaks a rule of the library
    ├── ConflictNotOpen                       a decision about a conflict that is none or was decided
    ├── UsageUnknown                          nobody can say which assets are used
    ├── ReportUnwritable                      a report cannot be put on disk
    ├── PlanNotFound / PlanNotHeld            a decision about a push plan that does not exist or is decided
    ├── IntakeError
    │   ├── SignatureRejected                 nothing proves that a message comes from Cloudinary
    │   ├── SpoolError                        SpoolUnavailable · SpoolFull: nothing may be acknowledged
    │   ├── TornFile                          a change file is not what was written
    │   └── SpoolFileUnknown                  no file in quarantine has this name
    └── DriftFound                            mirror and cloud differ
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line; ``docs/cli.md`` lists them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    BUSY = 4
    DRIFT = 5
    REMOTE = 69
    CONFIGURATION = 78


class MediaPipelineError(Exception):
    """Base of all errors below. ``str(error)`` says what happened, ``hint`` what to do next."""

    exit_code = ExitCode.FAILED
    hint: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        if hint:
            self.hint = hint


class ConfigurationError(MediaPipelineError):
    """A setting is wrong or missing. Nothing was read or written."""

    exit_code = ExitCode.CONFIGURATION


class DatabaseError(MediaPipelineError):
    """Postgres cannot be used as it is."""


class DatabaseUnreachable(DatabaseError):
    """No connection to Postgres could be made."""

    exit_code = ExitCode.CONFIGURATION


class DatabaseFull(DatabaseError):
    """The disk of Postgres is full.

    Nothing of the current transaction was committed.
    """


class EmbeddedServerError(DatabaseError):
    """The embedded Postgres cannot be started or stopped in its directory."""

    exit_code = ExitCode.CONFIGURATION


class MigrationNeeded(DatabaseError):
    """The database lacks migrations that this program needs."""

    exit_code = ExitCode.CONFIGURATION
    hint = "Run 'media-pipeline migrate'."


class MigrationDrift(DatabaseError):
    """The database was migrated by a newer or changed program."""

    exit_code = ExitCode.CONFIGURATION


class Fenced(DatabaseError):
    """Another process took over the activity, so this one must not write any more.

    Nothing of the current transaction was committed.
    """

    exit_code = ExitCode.BUSY

    def __init__(self, activity: str, fence: int) -> None:
        super().__init__(f"Another process took over {activity!r} (our fence {fence} is no longer valid).")
        self.activity = activity
        self.fence = fence
        self.hint = "Nothing was written. See 'media-pipeline status' for who holds it now."


class IncarnationUnconfirmed(MediaPipelineError):
    """The database is not the one that was last pushed from here, or an older copy of it."""

    exit_code = ExitCode.HELD
    hint = (
        "Nothing was pushed. 'media-pipeline push --dry-run' shows what would be; 'media-pipeline confirm' reads what "
        "is not finished again and lets this database push."
    )

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}.")


class ActivityBusy(MediaPipelineError):
    """The same activity is running in another process of this database."""

    exit_code = ExitCode.BUSY

    def __init__(self, activity: str, holder: str, since: datetime | None) -> None:
        started = f" since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
        super().__init__(f"{activity!r} is already being done by {holder}{started}.")
        self.activity = activity
        self.holder = holder
        self.since = since
        self.hint = "Wait for it to end and start again; 'media-pipeline status' shows it."


class WrongCloud(MediaPipelineError):
    """The configured cloud is not the one this database belongs to."""

    exit_code = ExitCode.CONFIGURATION


class RemoteError(MediaPipelineError):
    """An answer of Cloudinary that is no success, or no answer at all."""

    exit_code = ExitCode.REMOTE

    def __init__(self, message: str, *, call: str, request_id: str | None = None, hint: str = "") -> None:
        where = f" [{call}" + (f", request {request_id}]" if request_id else "]")
        super().__init__(message + where, hint=hint)
        self.reason = message
        self.call = call
        self.request_id = request_id


class RemoteTransient(RemoteError):
    """The same call may succeed later."""


class RateLimited(RemoteTransient):
    """The hourly allowance of Admin API calls is spent (or our share of it)."""

    def __init__(self, message: str, *, call: str, reset_at: datetime, request_id: str | None = None) -> None:
        super().__init__(message, call=call, request_id=request_id)
        self.reset_at = reset_at
        self.hint = f"It is given anew at {reset_at:%H:%M:%S} UTC; the work goes on from where it stopped."


class RemoteUnavailable(RemoteTransient):
    """A timeout, a broken connection or a 5xx answer, after all retries."""

    hint = "Cloudinary or the network between is in trouble. Nothing was inferred; run the same again later."


class RemotePermanent(RemoteError):
    """The same call will fail again."""


class RemoteRejectedKey(RemotePermanent):
    """401: unknown or revoked key, wrong secret, or a cloud name the key does not belong to."""

    hint = "Check cloud name, API key and secret in CLOUDINARY_URL; 'media-pipeline doctor' tries them."


class RemoteForbidden(RemotePermanent):
    """403: the key is good but lacks a permission."""

    def __init__(self, message: str, *, call: str, permission: str, request_id: str | None = None) -> None:
        super().__init__(message, call=call, request_id=request_id)
        self.permission = permission
        self.hint = f"Give the API key the permission {permission!r} in the Cloudinary console."


class RemoteNotFound(RemotePermanent):
    """404 with an error body: this one thing does not exist under this address."""


class RemoteRefused(RemotePermanent):
    """400, 409, 413, 423: the call itself is wrong or comes at the wrong moment."""


class CursorRejected(RemotePermanent):
    """A ``next_cursor`` is no longer accepted; the walk must start again."""


class RemoteMalformed(RemoteError):
    """An answer that is not what the API promises: HTML, truncated JSON, an error body with status 200."""

    hint = "Nothing was inferred from it. If it lasts, a proxy may stand between us and Cloudinary."


class RemoteOutcomeUnknown(RemoteError):
    """A write was sent and its answer lost: it may or may not have happened."""

    hint = "A read must show what happened before anything is repeated."


class ListingIncomplete(MediaPipelineError):
    """A slice's listing run broke. Rows already read stay; nothing may be called absent."""

    def __init__(self, listing_run_id: int, slice_name: str, reason: str) -> None:
        super().__init__(f"The listing of {slice_name} broke: {reason} (listing run {listing_run_id}).")
        self.listing_run_id = listing_run_id
        self.slice_name = slice_name
        self.reason = reason
        self.hint = "What was read is kept and no asset counts as deleted. The next sync lists the slice again."


class HoldNotFound(MediaPipelineError):
    """No hold has this number."""

    exit_code = ExitCode.USAGE

    def __init__(self, hold_id: int) -> None:
        super().__init__(f"There is no hold {hold_id}.", hint="'media-pipeline holds list' shows the open ones.")
        self.hold_id = hold_id


class HoldNotOpen(MediaPipelineError):
    """The hold was decided or replaced before this decision."""

    exit_code = ExitCode.USAGE

    def __init__(self, hold_id: int, state: str) -> None:
        super().__init__(
            f"Hold {hold_id} is {state}; only an open hold can be decided.",
            hint="'media-pipeline holds list' shows the open ones.",
        )
        self.hold_id = hold_id
        self.state = state


class AssetNotFound(MediaPipelineError):
    """No asset is named so, or several are."""

    exit_code = ExitCode.USAGE

    def __init__(self, name: str, candidates: list[str]) -> None:
        if candidates:
            super().__init__(f"Several assets are named {name!r}.", hint=f"Name one by its id: {', '.join(candidates)}")
        else:
            super().__init__(
                f"No asset is named {name!r}.",
                hint="Name it by asset_id, media_assets.id or its whole public_id.",
            )
        self.name = name
        self.candidates = candidates


class NoCopy(MediaPipelineError):
    """The vault has no whole copy of an asset's bytes, and could not get one."""

    hint = "'media-pipeline vault status' shows what is kept, 'media-pipeline vault fill' fetches what is missing."

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"There is no copy of {name}: {reason}.")
        self.reason = reason


class VaultUnwritable(MediaPipelineError):
    """The disk does not take what is to be kept: it is full, or not ours to write."""

    hint = "Make room in the directory 'vault' below MEDIA_PIPELINE_HOME, or make it writable."

    def __init__(self, reason: str) -> None:
        super().__init__(f"The vault cannot be written: {reason}")


class ArchiveUnwritable(MediaPipelineError):
    """The disk does not take a month of the audit log: it is full, or not ours to write. The month stays in the log."""

    hint = "Make room in the directory of MEDIA_PIPELINE_ARCHIVE, or make it writable."

    def __init__(self, reason: str) -> None:
        super().__init__(f"The archive of the audit log cannot be written: {reason}")


class EditRefused(MediaPipelineError):
    """The database refuses what somebody wants to change, with the field and the rule."""

    exit_code = ExitCode.USAGE


class ConflictNotOpen(MediaPipelineError):
    """No open conflict has this number."""

    exit_code = ExitCode.USAGE

    def __init__(self, conflict_id: int) -> None:
        super().__init__(
            f"There is no open conflict {conflict_id}.", hint="'media-pipeline conflicts list' shows the open ones."
        )
        self.conflict_id = conflict_id


class UsageUnknown(MediaPipelineError):
    """Where assets are used is not known well enough to call one unused."""

    hint = "Let every system that uses assets write its uses into media_usage; remove those of one that is gone."


class ReportUnwritable(MediaPipelineError):
    """The disk does not take a report: it is full, or not ours to write. The former report stays."""

    hint = "Make room there, or set MEDIA_PIPELINE_REPORTS to a directory that can be written."

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"Reports cannot be written to {place}: {reason}.")
        self.place = place


class PlanNotFound(MediaPipelineError):
    """No push plan has this number."""

    exit_code = ExitCode.USAGE

    def __init__(self, plan_id: int) -> None:
        super().__init__(f"There is no push plan {plan_id}.", hint="'media-pipeline plan list' shows the newest.")
        self.plan_id = plan_id


class PlanNotHeld(MediaPipelineError):
    """The plan was decided, done or replaced before this decision, or is another than the one that was shown."""

    exit_code = ExitCode.USAGE

    def __init__(self, plan_id: int, state: str) -> None:
        super().__init__(
            f"Push plan {plan_id} is {state}; only a held one can be decided.",
            hint="'media-pipeline plan list' shows what is held now.",
        )
        self.plan_id = plan_id
        self.state = state


class IntakeError(MediaPipelineError):
    """A notification or its change file cannot be used."""


class SignatureRejected(IntakeError):
    """Nothing proves that a message comes from Cloudinary; ``reason`` says why without repeating any of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The message is not proved to be Cloudinary's: {reason}.")
        self.reason = reason


class SpoolError(IntakeError):
    """A change file cannot be kept or read. What was being put is not to be acknowledged."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The spool cannot be used: {reason}.")
        self.reason = reason


class SpoolUnavailable(SpoolError):
    """The directory is missing, not ours to write, or its disk is in trouble."""

    hint = "See that the directory MEDIA_PIPELINE_SPOOL exists and is ours to write; nothing was acknowledged."


class SpoolFull(SpoolError):
    """Too many change files wait, or the disk has too little room."""

    hint = (
        "Make room on its disk, or see why change files are not landed: 'media-pipeline spool list'. Senders try again."
    )


class TornFile(IntakeError):
    """A change file is not what was written: a length, a digest or a head does not fit."""

    hint = "'media-pipeline spool list' shows what was set aside; a full sync finds what it may have told."

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The change file {name} is torn: {reason}.")
        self.name = name
        self.reason = reason


class SpoolFileUnknown(IntakeError):
    """No file in the spool's quarantine has this name."""

    exit_code = ExitCode.USAGE

    def __init__(self, name: str) -> None:
        super().__init__(f"No file in quarantine is named {name!r}.", hint="'media-pipeline spool list' shows them.")
        self.name = name


class DriftFound(MediaPipelineError):
    """The mirror and the cloud differ in fields that the mirror claims to know."""

    exit_code = ExitCode.DRIFT
