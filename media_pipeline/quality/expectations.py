"""The expectations, suite by suite, as plain data.

Belongs here: what is expected of which table or view, how grave a "no" is, what to do about it.
Not here: asking (``quality.validate``), the views of rows that break a rule (``sql/migrations``).

Importing this costs nothing: Great Expectations is named by its classes and imported where they are asked. A rule that
one column can state is stated by its class; one that takes several tables is a view of the rows that break it, which is
to be empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from media_pipeline.settings import Settings
from media_pipeline.vocabulary import Severity

FIRST_DAY: Final = datetime(2011, 1, 1, tzinfo=UTC)
"""Before Cloudinary existed nothing can have been uploaded to it."""

_STUCK_ATTEMPTS: Final = 5
_MODERATION: Final = ("pending", "queued", "approved", "rejected", "aborted", "overridden")


class Suite(StrEnum):
    """What the expectations of a suite have in common; each suite is one check of Dagster's."""

    COMPLETENESS = "completeness"
    IDENTITY = "identity"
    ALLOWED_VALUES = "allowed_values"
    RANGES = "ranges"
    REFERENCES = "references"
    FRESHNESS = "freshness"
    API_SCHEMA = "api_schema"
    PARITY = "parity"
    AUDIT_LOG = "audit_log"
    OPERATIONS = "operations"


SAYS: Final[Mapping[Suite, str]] = {
    Suite.COMPLETENESS: "Live assets have what every asset of their kind has.",
    Suite.IDENTITY: "One row an asset, and one live asset a name.",
    Suite.ALLOWED_VALUES: "Values come from the sets that Cloudinary, the settings and the definitions name.",
    Suite.RANGES: "Sizes, pixels and times are such as can be.",
    Suite.REFERENCES: "What refers to something finds it: rows, observations, folders, definitions.",
    Suite.FRESHNESS: "Every slice was listed lately, reads do not wait, changes arrive.",
    Suite.API_SCHEMA: "Cloudinary's documents have the members that are known, with the types that are known.",
    Suite.PARITY: "media_assets shows what the mirror proved, and the mirror what Cloudinary has.",
    Suite.AUDIT_LOG: "The log tells every version, is sealed, and nobody has changed it.",
    Suite.OPERATIONS: "Edits reach Cloudinary: none is stuck.",
}


@dataclass(frozen=True, slots=True)
class Expectation:
    """One of them.

    Attributes:
        table: ``schema.table`` or ``schema.view``.
        type: name of the class in ``great_expectations.expectations``.
        arguments: those of that class.
        key: columns that name a row in the sample of what breaks it.
        remedy: what a person does where it is not met.
        needs_cloud: it compares with figures that only the cloud has; without them it is unknown.
    """

    suite: Suite
    name: str
    severity: Severity
    says: str
    remedy: str
    table: str
    type: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    key: Sequence[str] = ()
    needs_cloud: bool = False


def expectations(settings: Settings, now: datetime) -> tuple[Expectation, ...]:
    """All of them, in the order of the suites.

    Args:
        now: the time of the database, against which times are judged.
    """
    return (
        *_completeness(),
        *_identity(),
        *_allowed_values(settings),
        *_ranges(now),
        *_references(),
        *_freshness(settings),
        *_api_schema(),
        *_parity(),
        *_audit_log(),
        *_operations(),
    )


_LIBRARY: Final = "public.media_assets"
_LIVE: Final = "quality.live_asset"
_PICTURE: Final = "quality.live_picture"
_ASSET: Final = ("asset_id", "public_id")

_READ_AGAIN: Final = "Run 'media-pipeline sync'; 'media-pipeline explain ASSET' tells what was received of it."
_DRIFT: Final = "Run 'media-pipeline sync', then 'media-pipeline drift', which compares everything."
_REBUILD: Final = "Somebody changed the mirror by hand: docs/runbook.md, 'The mirror is to be built again from zero'."
_BY_HAND: Final = "Somebody changed rows with triggers off: docs/runbook.md, 'The quality report is red'."
_DEFINITIONS: Final = (
    "Run 'media-pipeline sync', which reads folders and definitions; if it stays, ask who owns the field."
)
_TAMPERED: Final = (
    "Run 'media-pipeline audit verify', which names what was changed: docs/runbook.md, 'The audit log was changed'."
)
_OPERATION: Final = (
    "'media-pipeline status' and 'explain ASSET' show what Cloudinary answered; 'media-pipeline push' tries again."
)
_NEW_MEMBER: Final = (
    "Compare with Cloudinary's announcements. A member that may be there is made known by a row in quality.api_field."
)


def _not_null(suite: Suite, name: str, table: str, column: str, says: str) -> Expectation:
    return Expectation(
        suite,
        name,
        Severity.WARNING,
        says,
        _READ_AGAIN,
        table,
        "ExpectColumnValuesToNotBeNull",
        {"column": column},
        _ASSET,
    )


def _no_rows(
    suite: Suite, name: str, severity: Severity, view: str, key: Sequence[str], says: str, remedy: str
) -> Expectation:
    """A view of the rows that break a rule: the first column of *key*, never null in it, is to be null in all rows."""
    kind = "ExpectColumnValuesToBeNull"
    return Expectation(suite, name, severity, says, remedy, f"quality.{view}", kind, {"column": key[0]}, key)


def _completeness() -> tuple[Expectation, ...]:
    suite = Suite.COMPLETENESS
    return (
        _not_null(suite, "assets_have_a_version", _LIVE, "version", "Every live asset has a version of its bytes."),
        _not_null(
            suite, "assets_have_a_birthday", _LIVE, "created_at", "Every live asset has a time of its first upload."
        ),
        _not_null(suite, "assets_have_a_size", _LIVE, "size_bytes", "Every live asset has a size."),
        _not_null(suite, "assets_have_an_address", _LIVE, "secure_url", "Every live asset has an address."),
        _not_null(suite, "pictures_have_a_format", _PICTURE, "format", "Every live picture has a format."),
        _not_null(suite, "pictures_have_a_width", _PICTURE, "width_px", "Every live picture has a width."),
        _not_null(suite, "pictures_have_a_height", _PICTURE, "height_px", "Every live picture has a height."),
    )


def _identity() -> tuple[Expectation, ...]:
    return (
        Expectation(
            Suite.IDENTITY,
            "asset_ids_are_unique",
            Severity.CRITICAL,
            "No two rows have the same asset_id, deleted ones included.",
            _BY_HAND,
            _LIBRARY,
            "ExpectColumnValuesToBeUnique",
            {"column": "asset_id"},
            ("id", "public_id"),
        ),
        Expectation(
            Suite.IDENTITY,
            "live_names_are_unique",
            Severity.WARNING,
            "No two live assets of a slice have the same public_id; Cloudinary gives a name once, so one is outdated.",
            _READ_AGAIN,
            _LIVE,
            "ExpectCompoundColumnsToBeUnique",
            {"column_list": ["resource_type", "delivery_type", "public_id"]},
            ("asset_id",),
        ),
    )


def _one_of(name: str, column: str, values: Sequence[str], says: str, remedy: str) -> Expectation:
    return Expectation(
        Suite.ALLOWED_VALUES,
        name,
        Severity.WARNING,
        says,
        remedy,
        _LIVE,
        "ExpectColumnValuesToBeInSet",
        {"column": column, "value_set": list(values)},
        _ASSET,
    )


def _allowed_values(settings: Settings) -> tuple[Expectation, ...]:
    settled = "Name it in the settings, or ask why it is mirrored: docs/settings.md."
    return (
        _one_of(
            "resource_types_are_mirrored",
            "resource_type",
            [one.value for one in settings.resource_types],
            "Live assets are of the resource types that the settings name.",
            settled,
        ),
        _one_of(
            "delivery_types_are_mirrored",
            "delivery_type",
            settings.delivery_types,
            "Live assets are of the delivery types that the settings name.",
            settled,
        ),
        _one_of(
            "access_modes_are_known",
            "access_mode",
            ("public", "authenticated"),
            "An access mode is one of Cloudinary's two.",
            _READ_AGAIN,
        ),
        _one_of(
            "moderation_statuses_are_known",
            "moderation_status",
            _MODERATION,
            "A moderation status is one of Cloudinary's.",
            _READ_AGAIN,
        ),
        _no_rows(
            Suite.ALLOWED_VALUES,
            "choices_are_offered",
            Severity.WARNING,
            "disallowed_metadata_value",
            (*_ASSET, "key", "value"),
            "Values of choice fields are values that the field's definition offers.",
            _DEFINITIONS,
        ),
    )


def _between(
    suite: Suite,
    name: str,
    table: str,
    column: str,
    says: str,
    remedy: str,
    *,
    least: object = None,
    most: object = None,
    key: Sequence[str] = _ASSET,
    severity: Severity = Severity.WARNING,
) -> Expectation:
    return Expectation(
        suite,
        name,
        severity,
        says,
        remedy,
        table,
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": least, "max_value": most},
        key,
    )


def _ranges(now: datetime) -> tuple[Expectation, ...]:
    suite = Suite.RANGES
    soon = now + timedelta(days=1)
    return (
        _between(suite, "sizes_can_be", _LIVE, "size_bytes", "An original has a byte or more.", _READ_AGAIN, least=1),
        _between(
            suite,
            "widths_can_be",
            _LIVE,
            "width_px",
            "A width is 1 to 100,000 pixels.",
            _READ_AGAIN,
            least=1,
            most=100_000,
        ),
        _between(
            suite,
            "heights_can_be",
            _LIVE,
            "height_px",
            "A height is 1 to 100,000 pixels.",
            _READ_AGAIN,
            least=1,
            most=100_000,
        ),
        _between(
            suite,
            "birthdays_can_be",
            _LIVE,
            "created_at",
            "A first upload is neither older than Cloudinary nor in the future.",
            _READ_AGAIN,
            least=FIRST_DAY,
            most=soon,
        ),
        _between(
            suite,
            "versions_can_be",
            _LIVE,
            "version",
            "A version is a time in Unix seconds that is not in the future.",
            _READ_AGAIN,
            least=1,
            most=int(soon.timestamp()),
        ),
    )


def _references() -> tuple[Expectation, ...]:
    suite, warning = Suite.REFERENCES, Severity.WARNING
    return (
        _no_rows(
            suite,
            "rows_were_observed",
            Severity.CRITICAL,
            "row_without_observation",
            _ASSET,
            "Behind every live row stands an observation in Cloudinary.",
            _REBUILD,
        ),
        _no_rows(
            suite,
            "observations_are_kept_whole",
            Severity.CRITICAL,
            "observation_without_sighting",
            ("asset_id", "lacks"),
            "Of every asset the mirror has the content and the bookkeeping.",
            _REBUILD,
        ),
        _no_rows(
            suite,
            "folders_are_known",
            warning,
            "asset_without_folder",
            (*_ASSET, "asset_folder"),
            "The folder of every live asset is in the folder tree.",
            _DEFINITIONS,
        ),
        _no_rows(
            suite,
            "folders_have_parents",
            warning,
            "folder_without_parent",
            ("path", "parent_path"),
            "The parent of every folder is in the folder tree.",
            _DEFINITIONS,
        ),
        _no_rows(
            suite,
            "metadata_keys_are_defined",
            warning,
            "undefined_metadata_key",
            (*_ASSET, "key"),
            "Every key of structured metadata has a definition.",
            _DEFINITIONS,
        ),
    )


def _freshness(settings: Settings) -> tuple[Expectation, ...]:
    suite, warning = Suite.FRESHNESS, Severity.WARNING
    limit = settings.freshness_limit_hours
    late = "Look at the last runs in Dagster and at 'media-pipeline status'; then 'media-pipeline sync'."
    return (
        Expectation(
            suite,
            "slices_were_listed",
            warning,
            "Every slice that is mirrored was listed to its end once.",
            late,
            "quality.slice_age",
            "ExpectColumnDistinctValuesToContainSet",
            {"column": "slice", "value_set": [str(one) for one in settings.slices]},
        ),
        _between(
            suite,
            "listings_are_recent",
            "quality.slice_age",
            "age_hours",
            f"The last whole listing of every slice is at most {limit:g} hours old.",
            late,
            most=limit,
            key=("slice",),
        ),
        _between(
            suite,
            "reads_do_not_wait",
            "quality.waiting_read",
            "age_hours",
            "No asset waits for six hours to be read again.",
            "'media-pipeline status' says whether the allowance is spent; 'media-pipeline push' reads what is due.",
            most=6,
            key=("asset_id", "reason", "attempt_count"),
        ),
        _no_rows(
            suite,
            "changes_arrive",
            warning,
            "lost_touch",
            ("id", "touched_at"),
            "Every change of the canary within the last day came back within two hours.",
            "'media-pipeline alarm' says where they stop: docs/runbook.md, 'The scheduler stopped'.",
        ),
    )


def _api_schema() -> tuple[Expectation, ...]:
    suite, warning = Suite.API_SCHEMA, Severity.WARNING
    return (
        _no_rows(
            suite,
            "no_member_is_unknown",
            warning,
            "unknown_api_field",
            ("name", "json_type", "asset_count", "example_asset_id"),
            "Documents have no members but the known ones.",
            _NEW_MEMBER,
        ),
        _no_rows(
            suite,
            "no_member_changed_its_type",
            warning,
            "mistyped_api_field",
            ("name", "json_type", "json_types", "asset_count", "example_asset_id"),
            "Members of documents have the types that are known.",
            _NEW_MEMBER,
        ),
        _no_rows(
            suite,
            "no_member_vanished",
            warning,
            "vanished_api_field",
            ("name", "asset_count"),
            "Members that every document has had are in all of them.",
            _NEW_MEMBER,
        ),
        _no_rows(
            suite,
            "records_were_understood",
            warning,
            "unresolved_record",
            ("id", "asset_id", "reason", "detail"),
            "Every record was understood, or a good one has come since.",
            "docs/runbook.md, 'A record cannot be understood'.",
        ),
    )


def _parity() -> tuple[Expectation, ...]:
    suite = Suite.PARITY
    sample = "quality.newest_sampled_asset"
    key = (*_ASSET, "differing_fields", "in_cloud", "in_mirror")

    def of_sample(name: str, severity: Severity, column: str, value: object, says: str, remedy: str) -> Expectation:
        arguments = {"column": column, "value_set": [value]}
        kind = "ExpectColumnValuesToBeInSet"
        return Expectation(suite, name, severity, says, remedy, sample, kind, arguments, key, needs_cloud=True)

    return (
        _no_rows(
            suite,
            "rows_show_the_mirror",
            Severity.WARNING,
            "unapplied_asset",
            _ASSET,
            "Every live asset of the mirror is in media_assets, as it was when the newest change set was made.",
            _DRIFT,
        ),
        _no_rows(
            suite,
            "rows_are_unaltered",
            Severity.CRITICAL,
            "altered_row",
            (*_ASSET, "row_version"),
            "A row that nobody edited has the very values it was made equal to.",
            _BY_HAND,
        ),
        Expectation(
            suite,
            "slices_count_the_same",
            Severity.WARNING,
            "Of every slice the mirror has as many live assets as Cloudinary counts.",
            _DRIFT,
            "quality.newest_slice_count",
            "ExpectColumnPairValuesToBeEqual",
            {"column_A": "cloud_count", "column_B": "mirror_count"},
            ("slice",),
            needs_cloud=True,
        ),
        of_sample(
            "sampled_assets_exist",
            Severity.WARNING,
            "is_shown",
            True,
            "Every sampled live asset is in Cloudinary.",
            _DRIFT,
        ),
        of_sample(
            "sampled_assets_are_current",
            Severity.WARNING,
            "is_current",
            True,
            "No sampled asset has changed in Cloudinary since it was last read.",
            _DRIFT,
        ),
        of_sample(
            "sampled_fields_are_equal",
            Severity.CRITICAL,
            "differing_count",
            0,
            "A sampled asset that has not changed since is field by field what Cloudinary shows.",
            _REBUILD,
        ),
    )


def _audit_log() -> tuple[Expectation, ...]:
    suite = Suite.AUDIT_LOG
    return (
        _no_rows(
            suite,
            "log_is_as_written",
            Severity.CRITICAL,
            "newest_log_problem",
            ("detail", "kind"),
            "Digests of entries and the chain of seals are those that were written.",
            _TAMPERED,
        ),
        _no_rows(
            suite,
            "versions_are_logged",
            Severity.CRITICAL,
            "unlogged_version",
            (*_ASSET, "row_version"),
            "The present version of every row that changed lately has its entry.",
            _TAMPERED,
        ),
        _no_rows(
            suite,
            "versions_are_not_skipped",
            Severity.CRITICAL,
            "skipped_version",
            ("media_asset_id", "from_version", "to_version", "skipped_count"),
            "Of every asset the log tells all versions between the first and the last one it knows.",
            _TAMPERED,
        ),
        _between(
            suite,
            "entries_get_sealed",
            "quality.unsealed_entry",
            "age_hours",
            "No entry is older than a day and not sealed.",
            "A transaction that stays open keeps the log unsealed: see pg_stat_activity. Then 'media-pipeline sync'.",
            most=24,
            key=("xid", "id", "action"),
        ),
    )


def _operations() -> tuple[Expectation, ...]:
    suite, table = Suite.OPERATIONS, "quality.open_operation"
    key = ("id", "kind", "asset_id", "state", "outcome")
    return (
        _between(
            suite,
            "tries_are_few",
            table,
            "attempt_count",
            f"No edit was tried {_STUCK_ATTEMPTS} times and is neither done nor refused.",
            _OPERATION,
            most=_STUCK_ATTEMPTS - 1,
            key=key,
        ),
        _between(
            suite,
            "claims_end",
            table,
            "overdue_hours",
            "No claim of a pusher is over for an hour without anybody settling it.",
            _OPERATION,
            most=1,
            key=key,
        ),
        _between(
            suite,
            "results_are_confirmed",
            table,
            "unconfirmed_hours",
            "What Cloudinary accepted is confirmed by a read within six hours.",
            _OPERATION,
            most=6,
            key=key,
        ),
        _between(
            suite,
            "edits_do_not_wait",
            "quality.unheld_operation",
            "age_hours",
            "No edit that waits for no person is older than a day.",
            _OPERATION,
            most=24,
            key=key,
        ),
    )
