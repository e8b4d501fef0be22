"""Recording intent: what a person changes in media_assets becomes operations, or is refused with the rule it breaks."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline_tests.push.conftest import PushRig

RED_AND_OLD = '{"values": [{"external_id": "red"}, {"external_id": "old", "state": "inactive"}]}'


@pytest.fixture
def asset(engine: Engine) -> Engine:
    """A database with one mirrored asset and one field of structured metadata of each type."""
    with transaction(engine) as connection:
        statements.run(connection, "audit/010_ensure_partitions")
        connection.exec_driver_sql(
            "insert into media_assets (asset_id, resource_type, delivery_type, public_id, display_name, asset_folder,"
            " tags, context, metadata, applied_fingerprint) values (repeat('a', 32), 'image', 'upload', 'town/hall',"
            " 'hall', 'town', '{one,two}', '{\"alt\": \"old\"}', '{\"count\": 3}', sha256('a'))"
        )
        for name, kind, mandatory, choices in (
            ("count", "integer", False, None),
            ("title", "string", False, None),
            ("taken", "date", False, None),
            ("owner", "string", True, None),
            (
                "colour",
                "enum",
                False,
                '{"values": [{"external_id": "red"}, {"external_id": "old", "state": "inactive"}]}',
            ),
            ("uses", "set", False, '{"values": [{"external_id": "web"}, {"external_id": "print"}]}'),
        ):
            connection.exec_driver_sql(
                "insert into media_metadata_fields"
                " (external_id, label, type, is_mandatory, datasource, document, position)"
                " values (%(name)s, %(name)s, %(kind)s, %(mandatory)s, %(choices)s, '{}',"
                " (select count(*) from media_metadata_fields))",
                {"name": name, "kind": kind, "mandatory": mandatory, "choices": choices},
            )
    return engine


def run(engine: Engine, sql: str) -> list[Any]:
    """A statement of a person."""
    with engine.begin() as connection:
        result = connection.exec_driver_sql(sql)
        return [tuple(row) for row in result] if result.returns_rows else []


def said_to(engine: Engine, sql: str) -> tuple[str, str]:
    """The message and the hint with which Postgres refuses a statement."""
    with pytest.raises(DBAPIError) as refused:
        run(engine, sql)
    diagnosis = refused.value.orig.diag  # type: ignore[union-attr]
    return diagnosis.message_primary, diagnosis.message_hint or ""


def operations(engine: Engine) -> list[Any]:
    return run(engine, "select kind, state, base, wanted from outbox.operation order by id")


def test_each_field_becomes_an_operation_of_its_kind_with_the_value_it_had(asset: Engine) -> None:
    run(
        asset,
        "update media_assets set tags = array['two', 'three', 'two'], context = '{\"by\": \"ada\"}',"
        ' metadata = metadata || \'{"title": "x", "uses": ["web"]}\', display_name = \'new\', asset_folder = \'\','
        " public_id = 'moved/hall', access_control = '[{\"access_type\": \"token\"}]'",
    )

    assert operations(asset) == [
        ("rename", "pending", {"public_id": "town/hall"}, {"public_id": "moved/hall"}),
        ("update_tags", "pending", {"tags": ["one", "two"]}, {"tags": ["three", "two"]}),
        ("update_context", "pending", {"alt": "old", "by": None}, {"alt": None, "by": "ada"}),
        ("update_metadata", "pending", {"title": None, "uses": None}, {"title": "x", "uses": ["web"]}),
        ("update_display_name", "pending", {"display_name": "hall"}, {"display_name": "new"}),
        ("update_folder", "pending", {"asset_folder": "town"}, {"asset_folder": ""}),
        ("update_access_control", "pending", {"access_control": []}, {"access_control": [{"access_type": "token"}]}),
    ]
    ((action, actor, version, before),) = run(asset, "select action, actor, row_version, before from media_sync_log")
    assert (action, actor, version) == ("edited", "sql:postgres", 2)
    assert before["tags"] == ["one", "two"]


def test_edits_coalesce_and_the_base_stays_that_of_the_first(asset: Engine) -> None:
    run(asset, 'update media_assets set context = \'{"alt": "new"}\'')
    run(asset, 'update media_assets set context = \'{"alt": "newer", "by": "ada"}\'')

    assert operations(asset) == [
        ("update_context", "pending", {"alt": "old", "by": None}, {"alt": "newer", "by": "ada"})
    ]


def test_an_edit_that_is_taken_back_leaves_nothing_to_do(asset: Engine) -> None:
    run(asset, "update media_assets set display_name = 'new'")
    run(asset, "update media_assets set display_name = 'hall'")

    assert [(kind, state) for kind, state, *_ in operations(asset)] == [("update_display_name", "cancelled")]


def test_fields_of_your_own_stay_here(asset: Engine) -> None:
    run(asset, 'update media_assets set custom = \'{"rights": "ours"}\'')

    assert operations(asset) == []
    assert run(asset, "select action, after from media_sync_log") == [("edited", {"custom": {"rights": "ours"}})]


def test_an_update_that_changes_nothing_records_nothing(asset: Engine) -> None:
    run(asset, "update media_assets set display_name = display_name, tags = array['two', 'one']")

    assert operations(asset) == []
    assert run(asset, "select row_version from media_assets") == [(1,)]


def test_who_edits_and_why_is_recorded(asset: Engine) -> None:
    with asset.begin() as connection:
        connection.exec_driver_sql("set local media_pipeline.actor = 'user:ada'")
        connection.exec_driver_sql("set local media_pipeline.reason = 'new season'")
        connection.exec_driver_sql("update media_assets set display_name = 'new'")

    assert run(asset, "select actor, reason from outbox.operation") == [("user:ada", "new season")]
    assert run(asset, "select actor from media_sync_log") == [("user:ada",)]


@pytest.mark.parametrize(
    ("assignment", "field", "rule"),
    [
        ("tags = array['a,b']", "tags", "comma"),
        ("tags = array['a', '']", "tags", "empty"),
        ("tags = array[' a']", "tags", "space"),
        ("tags = array[e'a\\tb']", "tags", "control"),
        ("tags = array[repeat('x', 256)]", "tags", "255"),
        ("tags = array(select 't' || n from generate_series(1, 1001) n)", "tags", "1000"),
        ("context = '{\"a\": 1}'", "context", "text"),
        ('context = \'{"a": ""}\'', "context", "empty"),
        ('context = \'{" ": "x"}\'', "context", "empty"),
        ('context = \'{"a": "x\\\\\\\\"}\'', "context", "backslash"),
        ('context = \'{"a": "x\\u0007"}\'', "context", "control"),
        ("context = jsonb_build_object('a', repeat('x', 1025))", "context", "1024"),
        ("metadata = '{\"nobody\": 1}'", "metadata", "no field"),
        ('metadata = metadata || \'{"count": "3"}\'', "metadata", "integer"),
        ("metadata = metadata || '{\"count\": 3.5}'", "metadata", "integer"),
        ("metadata = metadata || '{\"title\": 5}'", "metadata", "text"),
        ('metadata = metadata || \'{"taken": "yesterday"}\'', "metadata", "date"),
        ('metadata = metadata || \'{"taken": "2026-02-30"}\'', "metadata", "date"),
        ('metadata = metadata || \'{"colour": "blue"}\'', "metadata", "choice"),
        ('metadata = metadata || \'{"colour": "old"}\'', "metadata", "choice"),
        ('metadata = metadata || \'{"colour": ["red"]}\'', "metadata", "enum"),
        ('metadata = metadata || \'{"uses": ["web", "tv"]}\'', "metadata", "choice"),
        ('metadata = metadata || \'{"uses": "web"}\'', "metadata", "set"),
        ("metadata = metadata || '{\"owner\": null}'", "metadata", "mandatory"),
        ("display_name = 'a/b'", "display_name", "/"),
        ("display_name = null", "display_name", "empty"),
        ("display_name = repeat('x', 256)", "display_name", "255"),
        ("asset_folder = 'a//b'", "asset_folder", "part"),
        ("asset_folder = '../other'", "asset_folder", "part"),
        ("asset_folder = null", "asset_folder", "empty"),
        ("public_id = 'a?b'", "public_id", "character"),
        ("public_id = 'a/../b'", "public_id", "part"),
        ("public_id = '/a'", "public_id", "part"),
        ("public_id = 'a '", "public_id", "space"),
        ("access_control = '{}'", "access_control", "list"),
    ],
)
def test_what_cloudinary_would_not_take_is_refused_with_the_field_and_the_rule(
    asset: Engine, assignment: str, field: str, rule: str
) -> None:
    message, hint = said_to(asset, f"update media_assets set {assignment}")

    assert message.startswith(f"media_assets.{field}:")
    assert rule in message
    assert hint
    assert operations(asset) == []


@pytest.mark.parametrize("column", ["version = 5", "asset_id = repeat('b', 32)", "size_bytes = 1", "row_version = 9"])
def test_what_comes_from_cloudinary_cannot_be_edited(asset: Engine, column: str) -> None:
    message, hint = said_to(asset, f"update media_assets set {column}")

    assert f"{column.split()[0]} cannot be edited" in message
    assert "Editable are" in hint


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("delete from media_assets", "soft_delete_media_asset"),
        ("truncate media_assets cascade", "soft_delete_media_asset"),
        ("insert into media_assets (asset_id) values ('x')", "upload it there"),
    ],
)
def test_rows_come_and_go_by_the_engine_alone(asset: Engine, sql: str, advice: str) -> None:
    message, hint = said_to(asset, sql)

    assert "is refused" in message
    assert advice in hint


def test_deleting_and_restoring_by_function_tell_the_truth(asset: Engine) -> None:
    ((deleted,),) = run(asset, "select soft_delete_media_asset(id, 'sold') from media_assets")
    assert (deleted["operation_state"], deleted["is_deleted_in_cloudinary"]) == ("pending", False)
    assert run(asset, "select reason from outbox.operation") == [("sold",)]
    message, hint = said_to(asset, "update media_assets set tags = '{}'")
    assert "is deleted" in message
    assert "restore_media_asset" in hint

    ((restored,),) = run(asset, "select restore_media_asset(id) from media_assets")

    assert restored["was_undone_before_push"] is True
    assert run(asset, "select deleted_at, deleted_by from media_assets") == [(None, None)]
    assert [(kind, state) for kind, state, *_ in operations(asset)] == [("delete", "cancelled")]


def test_deleting_what_is_not_there_is_told_and_records_nothing(asset: Engine) -> None:
    message, _ = said_to(asset, "select soft_delete_media_asset(gen_random_uuid())")

    assert "no media asset" in message
    assert (operations(asset), run(asset, "select action from media_sync_log")) == ([], [])


def test_two_editors_at_once_lose_nothing(asset: Engine) -> None:
    """Both add a tag of their own and a key of their own, twenty times each."""
    start = threading.Barrier(2)
    failures: list[BaseException] = []

    def edit(who: str) -> None:
        try:
            start.wait()
            for number in range(20):
                run(
                    asset,
                    f"update media_assets set tags = tags || array['{who}{number}'],"
                    f" context = context || jsonb_build_object('{who}', '{number}')",
                )
        except BaseException as error:
            failures.append(error)

    editors = [threading.Thread(target=edit, args=(who,)) for who in ("ada", "eve")]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join()

    assert failures == []
    ((tags, context, version),) = run(asset, "select tags, context, row_version from media_assets")
    assert len(tags) == 42
    assert (context["ada"], context["eve"], version) == ("19", "19", 41)
    assert run(asset, "select kind, edit_count from outbox.operation order by kind") == [
        ("update_context", 40),
        ("update_tags", 40),
    ]


def test_in_fixed_folder_mode_a_folder_is_part_of_the_name(asset: Engine) -> None:
    with transaction(asset) as connection:
        connection.exec_driver_sql(
            "insert into ops.cloud_binding (cloud_name, is_emulator, folder_mode) values ('emu-x', true, 'fixed')"
        )

    message, hint = said_to(asset, "update media_assets set asset_folder = 'x'")

    assert "fixed folders" in message
    assert "public_id" in hint


def test_the_engine_makes_no_operation_of_what_it_writes(rig: PushRig) -> None:
    rig.upload_many(3)
    rig.sync()
    with rig.client() as outsider:
        outsider.update(rig.id_of("p0000"), display_name="changed there")

    rig.sync()

    assert rig.operations() == []
    assert rig.query("select display_name from media_assets where public_id = 'p0000'") == [("changed there",)]


def test_the_engine_cannot_record_an_intent(asset: Engine) -> None:
    """Whatever goes wrong in the engine, it can never make up an operation that deletes something."""
    with pytest.raises(DBAPIError, match="permission denied"), transaction(asset) as connection:
        connection.exec_driver_sql(
            "insert into outbox.operation (kind, asset_id, media_asset_id, base, wanted, actor)"
            " select 'delete', asset_id, id, '{}', '{}', 'nobody' from media_assets"
        )
    with pytest.raises(DBAPIError, match="permission denied"), transaction(asset) as connection:
        connection.exec_driver_sql(
            "select outbox.record('delete', repeat('a', 32), gen_random_uuid(), '{}', '{}', 'nobody')"
        )


def test_an_editor_who_names_the_row_version_changes_nothing_when_somebody_was_faster(asset: Engine) -> None:
    ((seen,),) = run(asset, "select row_version from media_assets")
    run(asset, "update media_assets set display_name = 'faster'")
    edit = f"update media_assets set display_name = 'slower' where row_version = {seen} returning id"

    assert run(asset, edit) == []
    assert run(asset, "select display_name, row_version from media_assets") == [("faster", seen + 1)]
    assert [operation[3] for operation in operations(asset)] == [{"display_name": "faster"}]
