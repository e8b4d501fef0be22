"""One fault for each expectation: SQL that breaks it and no other.

Belongs here: what a superuser or a bug would have to do to the rows.
Not here: asking whether it is noticed (``test_expectations``).

Rows are changed with triggers off, in ``media_assets`` and in the mirror alike, where the fault is not a difference
between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, Engine

Fault = Callable[[Connection], None]


def plant(engine: Engine, name: str) -> None:
    """Break the expectation *name* in the database behind *engine*."""
    with engine.begin() as connection:
        connection.exec_driver_sql("set local session_replication_role = replica")
        FAULTS[name](connection)


def _asset(connection: Connection, number: int) -> str:
    """A picture of the library: another one for each *number*, so that faults do not meet."""
    found = connection.exec_driver_sql(
        "select asset_id from media_assets where deleted_at is null and resource_type = 'image'"
        " and delivery_type = 'upload' and not is_placeholder order by asset_id offset %(n)s limit 1",
        {"n": number},
    )
    return str(found.scalar_one())


def _both(number: int, assignments: str) -> Fault:
    """Change a picture alike in both tables."""

    def run(connection: Connection) -> None:
        asset_id = _asset(connection, number)
        for table in ("public.media_assets", "mirror.remote_asset"):
            done = connection.exec_driver_sql(
                f"update {table} set {assignments} where asset_id = %(id)s", {"id": asset_id}
            )
            assert done.rowcount == 1

    return run


def _of(number: int, *statements: str) -> Fault:
    """Run statements with ``:id`` for the asset_id of a picture."""

    def run(connection: Connection) -> None:
        asset_id = _asset(connection, number)
        for statement in statements:
            done = connection.exec_driver_sql(statement.replace(":id", f"'{asset_id}'"))
            assert done.rowcount != 0

    return run


def _do(*statements: str) -> Fault:
    def run(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    return run


def _operation(number: int, columns: str, values: str) -> Fault:
    return _of(
        number,
        "insert into outbox.operation (asset_id, media_asset_id, kind, base, wanted, actor"
        f"{columns}) select m.asset_id, m.id, 'tags', '{{}}', '{{}}', 'cli:test'{values}"
        " from media_assets m where m.asset_id = :id",
    )


_REPORT: Final = "(select max(id) from quality.report)"
_SAMPLED: Final = (
    "insert into quality.sampled_asset (report_id, asset_id, public_id, is_shown, is_current, field_count,"
    f" differing_fields) values ({_REPORT}, "
)
_ENTRY: Final = (
    "insert into media_sync_log (recorded_at, action, cause, actor, asset_id, media_asset_id, row_version, digest)"
)

FAULTS: Final[dict[str, Fault]] = {
    "assets_have_a_version": _both(0, "version = null"),
    "assets_have_a_birthday": _both(1, "created_at = null"),
    "assets_have_a_size": _both(2, "size_bytes = null"),
    "assets_have_an_address": _both(3, "secure_url = null"),
    "pictures_have_a_format": _both(4, "format = null"),
    "pictures_have_a_width": _both(5, "width_px = null"),
    "pictures_have_a_height": _both(6, "height_px = null"),
    "asset_ids_are_unique": _of(
        7,
        "alter table media_assets drop constraint media_assets_asset_id_key",
        # The second row is a deleted one, as its asset then is.
        "update mirror.asset_sighting set state = 'tombstone' where asset_id = :id",
        "insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint, deleted_at,"
        " deleted_by) select asset_id, resource_type, delivery_type, public_id, applied_fingerprint, now(), 'cli:test'"
        " from media_assets where asset_id = :id",
    ),
    "live_names_are_unique": _both(8, "public_id = (select max(public_id) from quality.live_picture)"),
    "resource_types_are_mirrored": _both(9, "resource_type = 'hologram'"),
    "delivery_types_are_mirrored": _both(10, "delivery_type = 'carrier_pigeon'"),
    "access_modes_are_known": _both(11, "access_mode = 'ajar'"),
    "moderation_statuses_are_known": _both(12, "moderation_status = 'undecided'"),
    "choices_are_offered": lambda connection: (
        _do(
            "insert into media_metadata_fields (external_id, label, type, datasource, document, position) values"
            " ('weather', 'Weather', 'enum', '{\"values\": [{\"external_id\": \"winter\"}]}', '{}', 99)"
        )(connection),
        _both(13, 'metadata = \'{"weather": "monsoon"}\'')(connection),
    )[0],
    "sizes_can_be": _both(14, "size_bytes = 0"),
    "widths_can_be": _both(15, "width_px = 0"),
    "heights_can_be": _both(16, "height_px = 200000"),
    "birthdays_can_be": _both(17, "created_at = '2001-01-01'"),
    "versions_can_be": _both(18, "version = 99999999999"),
    "rows_were_observed": _of(
        19,
        "delete from mirror.remote_asset where asset_id = :id",
        "delete from mirror.asset_sighting where asset_id = :id",
    ),
    "observations_are_kept_whole": _of(20, "delete from mirror.asset_sighting where asset_id = :id"),
    "folders_are_known": _both(21, "asset_folder = 'nowhere/at/all'"),
    "folders_have_parents": _do(
        "insert into media_folders (path, name, parent_path) values ('lost/child', 'child', 'lost')"
    ),
    "metadata_keys_are_defined": _both(22, "metadata = '{\"nobody_knows\": 1}'"),
    "slices_were_listed": _do(
        "delete from landing.listing_page where listing_run_id in"
        " (select id from landing.listing_run where resource_type = 'raw')",
        "delete from landing.listing_run where resource_type = 'raw'",
    ),
    "listings_are_recent": _do(
        "update landing.listing_run set finished_at = now() - interval '3 days' where resource_type = 'video'"
    ),
    "reads_do_not_wait": _of(
        23,
        "insert into mirror.verify_queue (asset_id, reason, hint_touch, hinted_at)"
        " values (:id, 'manual', 1, now() - interval '7 hours')",
    ),
    "changes_arrive": _of(
        24,
        "insert into ops.canary_touch (asset_id, touched_at, is_sent) values (:id, now() - interval '3 hours', true)",
    ),
    "no_member_is_unknown": _of(
        25, "update mirror.remote_asset set document = document || '{\"hologram\": 1}' where asset_id = :id"
    ),
    "no_member_changed_its_type": _of(
        26, 'update mirror.remote_asset set document = document || \'{"bytes": "many"}\' where asset_id = :id'
    ),
    "no_member_vanished": _of(
        27, "update mirror.remote_asset set document = document - 'secure_url' where asset_id = :id"
    ),
    "records_were_understood": _do(
        "insert into mirror.quarantine (reason, detail, body, body_digest) values ('wrong_type', 'a', 'a', sha256('a'))"
    ),
    "rows_show_the_mirror": _of(
        28,
        "update media_assets set applied_fingerprint = sha256('earlier') where asset_id = :id",
        "update mirror.remote_asset set observed_at = observed_at - interval '1 day' where asset_id = :id",
    ),
    "rows_are_unaltered": _of(29, "update media_assets set display_name = 'changed by hand' where asset_id = :id"),
    "slices_count_the_same": _do(
        "insert into quality.slice_count (report_id, resource_type, delivery_type, cloud_count, mirror_count)"
        f" values ({_REPORT}, 'image', 'upload', 7, 6)"
    ),
    "sampled_assets_exist": _of(30, f"{_SAMPLED} :id, 'a', false, null, 0, '{{}}')"),
    "sampled_assets_are_current": _of(31, f"{_SAMPLED} :id, 'a', true, false, 21, '{{tags}}')"),
    "sampled_fields_are_equal": _of(32, f"{_SAMPLED} :id, 'a', true, true, 21, '{{tags}}')"),
    "log_is_as_written": _do(
        f"insert into quality.log_problem (report_id, position, kind, detail) values ({_REPORT}, 1, 'entry', 'a')"
    ),
    "versions_are_logged": _of(33, "delete from media_sync_log where asset_id = :id"),
    "versions_are_not_skipped": _of(
        34,
        "update media_assets set row_version = 3 where asset_id = :id",
        f"{_ENTRY} select now(), 'edited', 'test', 'cli:test', asset_id, id, 3, sha256('a') from media_assets"
        " where asset_id = :id",
    ),
    "entries_get_sealed": _do(
        f"{_ENTRY} values (now() - interval '2 days', 'hold_opened', 'test', 'cli:test', null, null, null, sha256('a'))"
    ),
    "tries_are_few": _operation(35, ", attempt_count", ", 5"),
    "claims_end": _operation(
        36, ", state, lease, leased_until", ", 'leased', gen_random_uuid(), now() - interval '2 hours'"
    ),
    "results_are_confirmed": lambda connection: (
        _operation(37, ", state", ", 'sent'")(connection),
        _do(
            "insert into outbox.push_plan (part, state, digest, operation_count, admin_call_count, upload_call_count,"
            " estimated_seconds, decided_at, decided_by, finished_at)"
            " values ('edits', 'applied', sha256('a'), 1, 1, 1, 1, now(), 'guard', now())",
            "insert into outbox.attempt (operation_id, lease, push_plan_id, finished_at, result)"
            " select o.id, gen_random_uuid(), p.id, now() - interval '7 hours', 'sent'"
            " from outbox.operation o, outbox.push_plan p where o.state = 'sent'",
        )(connection),
    )[0],
    "edits_do_not_wait": _operation(38, ", edited_at", ", now() - interval '25 hours'"),
}
"""Name of the expectation to what breaks it."""
