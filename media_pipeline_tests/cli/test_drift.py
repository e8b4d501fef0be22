"""``drift``: equal is equal, and every planted difference is found."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from media_pipeline.cli import drift, sample_library, witness
from media_pipeline.cli.drift import Problem, compare
from media_pipeline.cli.witness import COLUMNS
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import ConfigurationError, ExitCode, RemoteError
from media_pipeline.settings import CloudCredentials
from media_pipeline.vocabulary import ResourceType, Slice
from media_pipeline_tests.cli.conftest import SAMPLE_COUNT, Call, Deployment

PLANTED = {
    "resource_type": "'audio'",
    "delivery_type": "'fetch'",
    "public_id": "public_id || '!'",
    "format": "'tiff'",
    "version": "version + 1",
    "created_at": "created_at + interval '1 second'",
    "size_bytes": "size_bytes + 1",
    "width_px": "coalesce(width_px, 0) + 1",
    "height_px": "null",
    "asset_folder": "asset_folder || '/below'",
    "display_name": "upper(display_name || 'x')",
    "tags": "tags || array['planted']",
    "context": 'context || jsonb \'{"planted": "yes"}\'',
    "metadata": "metadata || jsonb '{\"planted\": 1}'",
    "access_mode": "'authenticated'",
    "access_control": 'jsonb \'[{"access_type": "token"}]\'',
    "moderation_kind": "'manual'",
    "moderation_status": "'rejected'",
    "is_placeholder": "not is_placeholder",
    "is_backed_up": "not is_backed_up",
    "secure_url": "secure_url || '?'",
}
"""A change of each mirrored field that makes it another value."""


def _execute(engine: Engine, sql: str, **parameters: Any) -> None:
    with transaction(engine) as connection:
        assert connection.execute(text(sql), parameters).rowcount > 0


def test_a_mirrored_cloud_has_no_drift_and_every_value_was_compared(mirrored: Deployment) -> None:
    report = compare(mirrored.credentials, mirrored.engine)
    assert report.differences == ()
    compared = SAMPLE_COUNT * len(COLUMNS) + report.folders * 3 + report.metadata_fields * 6
    assert report.folders > 0
    assert report.metadata_fields == 8
    assert report.last_line == f"drift 0 of {SAMPLE_COUNT} assets, {compared} fields"


def test_the_witness_knows_every_mirrored_field(engine: Engine) -> None:
    with read_only(engine) as connection:
        mirrored = [row.name for row in statements.run(connection, "reads/200_list_asset_fields")]
    assert mirrored == list(COLUMNS)
    assert set(PLANTED) == set(COLUMNS)


def test_a_difference_in_each_field_is_found(mirrored: Deployment) -> None:
    with read_only(mirrored.engine) as connection:
        found = connection.execute(
            text("select asset_id from media_assets where width_px > 0 order by asset_id limit :n"), {"n": len(PLANTED)}
        )
        ids = found.scalars().all()
    for asset_id, (field, expression) in zip(ids, PLANTED.items(), strict=True):
        _execute(
            mirrored.engine,
            f"update media_assets set {field} = {expression} where asset_id = :asset_id",
            asset_id=asset_id,
        )
    report = compare(mirrored.credentials, mirrored.engine)
    assert report.by_field == dict.fromkeys(PLANTED, 1)
    assert report.drifted == len(PLANTED)
    assert report.assets == SAMPLE_COUNT


def test_a_row_that_the_mirror_lacks_is_found(mirrored: Deployment) -> None:
    _execute(
        mirrored.engine,
        "update media_assets set deleted_at = now(), deleted_by = 'test' where public_id = 'posters/lantern-festival'",
    )
    report = compare(mirrored.credentials, mirrored.engine)
    assert [(one.name, one.problem) for one in report.differences] == [("posters/lantern-festival", Problem.MISSING)]
    assert report.assets == SAMPLE_COUNT


def test_a_row_that_the_cloud_lacks_is_found(mirrored: Deployment) -> None:
    _execute(
        mirrored.engine,
        """
        insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint)
        values (repeat('e', 32), 'image', 'upload', 'nowhere', 'x')
        """,
    )
    report = compare(mirrored.credentials, mirrored.engine)
    assert [(one.name, one.problem) for one in report.differences] == [("nowhere", Problem.EXTRA)]
    assert (report.drifted, report.assets) == (1, SAMPLE_COUNT + 1)


def test_more_rows_than_a_batch_that_the_cloud_lacks_are_all_counted(
    mirrored: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "_BATCH", 10)
    _execute(
        mirrored.engine,
        """
        insert into media_assets (asset_id, resource_type, delivery_type, public_id, applied_fingerprint)
        select md5(n::text), 'raw', 'upload', 'nowhere/' || n, 'x' from generate_series(1, 25) as n
        """,
    )
    report = compare(mirrored.credentials, mirrored.engine)
    assert report.drifted == 25
    assert len(report.differences) == 20


def test_rows_of_slices_that_are_not_compared_are_left_alone(mirrored: Deployment) -> None:
    only = Slice(ResourceType.VIDEO, "upload")
    report = compare(mirrored.credentials, mirrored.engine, slices=[only])
    assert report.drifted == 0
    assert 0 < report.assets < SAMPLE_COUNT


def test_outside_changes_are_drift_until_the_next_sync(mirrored: Deployment) -> None:
    count = sample_library.change(mirrored.client, lambda what, name: None)
    assert compare(mirrored.credentials, mirrored.engine).drifted >= count
    mirrored.sync()
    assert compare(mirrored.credentials, mirrored.engine).drifted == 0


def test_a_remnant_of_a_deleted_asset_is_no_asset(mirrored: Deployment) -> None:
    mirrored.control.change_settings(backup=True)
    written = mirrored.client.upload(
        b"kept for a while",
        public_id="note.txt",
        resource_type=ResourceType.RAW,
        delivery_type="upload",
        overwrite=False,
    )
    mirrored.sync()
    mirrored.client.delete_assets([written.asset_id])
    gone = compare(mirrored.credentials, mirrored.engine)
    assert [(one.name, one.problem) for one in gone.differences] == [("note.txt", Problem.EXTRA)]
    mirrored.sync()
    assert compare(mirrored.credentials, mirrored.engine).drifted == 0


@pytest.mark.parametrize(
    ("sql", "what", "problem", "field"),
    [
        ("update media_folders set external_id = 'x' where path = 'Tourism'", "folder", "differs", "external_id"),
        ("delete from media_folders where path = 'Tourism'", "folder", "missing", None),
        ("insert into media_folders (path, name) values ('Nowhere', 'Nowhere')", "folder", "extra", None),
        (
            "update media_metadata_fields set label = 'x' where external_id = 'licence'",
            "metadata field",
            "differs",
            "label",
        ),
        ("delete from media_metadata_fields where external_id = 'licence'", "metadata field", "missing", None),
    ],
)
def test_folders_and_definitions_are_compared_too(
    mirrored: Deployment, sql: str, what: str, problem: str, field: str | None
) -> None:
    _execute(mirrored.engine, sql)
    report = compare(mirrored.credentials, mirrored.engine)
    assert [(one.what, one.problem.value, one.field) for one in report.differences] == [(what, problem, field)]
    assert report.drifted == 1


def test_a_mirrored_field_that_the_comparison_does_not_know_is_refused(mirrored: Deployment) -> None:
    with transaction(mirrored.engine, role=None) as connection:
        connection.exec_driver_sql(
            "insert into mirror.asset_field (name, kind, position) values ('etag', 'scalar', 99)"
        )
    with pytest.raises(ConfigurationError, match="etag"):
        compare(mirrored.credentials, mirrored.engine)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(Kind.STATUS, path="/resources/image/upload*", status=404),
        Rule(Kind.STATUS, path="/folders/search*", status=403),
        Rule(Kind.STATUS, path="/metadata_fields*", status=401),
        Rule(Kind.STATUS, path="/resources/raw/upload*", status=420),
    ],
)
def test_a_cloud_that_cannot_be_read_is_an_error_and_never_no_drift(mirrored: Deployment, rule: Rule) -> None:
    mirrored.control.add_faults(rule)
    with pytest.raises(RemoteError):
        compare(mirrored.credentials, mirrored.engine)


@pytest.mark.parametrize("kind", [Kind.ERROR_WITH_200, Kind.HTML, Kind.TRUNCATED_JSON, Kind.REPEATED_CURSOR])
def test_an_answer_that_proves_nothing_is_an_error(
    mirrored: Deployment, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    monkeypatch.setattr(witness, "_PAGE_SIZE", 7)
    monkeypatch.setattr(witness, "_TRIES", 1)
    mirrored.control.add_faults(Rule(kind, path="/resources/image/upload*"))
    with pytest.raises(RemoteError):
        compare(mirrored.credentials, mirrored.engine)


def test_many_pages_and_a_folder_tree_beyond_the_search_are_read_whole(
    mirrored: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = compare(mirrored.credentials, mirrored.engine)
    monkeypatch.setattr(witness, "_PAGE_SIZE", 7)
    monkeypatch.setattr(witness, "_FOLDER_SEARCH_REACH", 5)
    report = compare(mirrored.credentials, mirrored.engine)
    assert report.last_line == whole.last_line
    assert report.folders == whole.folders > 5
    assert report.call_count > whole.call_count + report.folders


def test_a_short_outage_is_waited_out(mirrored: Deployment) -> None:
    mirrored.control.add_faults(Rule(Kind.STATUS, path="/resources/image/upload*", status=503, times=1))
    assert compare(mirrored.credentials, mirrored.engine).drifted == 0


def test_a_wrong_secret_is_an_error(mirrored: Deployment) -> None:
    wrong = CloudCredentials.parse(
        mirrored.endpoints.cloudinary_url.replace("emulator-secret-not-a-real1", "another-secret")
    )
    with pytest.raises(RemoteError):
        compare(wrong, mirrored.engine)


def test_the_command_prints_the_line_last_and_ends_with_its_code(call: Call, mirrored: Deployment) -> None:
    ended = call("drift", **mirrored.variables)
    assert ended.code == 0
    assert ended.out.splitlines()[-1] == compare(mirrored.credentials, mirrored.engine).last_line
    _execute(mirrored.engine, "update media_assets set tags = '{}' where public_id = 'posters/lantern-festival'")
    differing = call("drift", **mirrored.variables)
    assert differing.code == ExitCode.DRIFT
    assert differing.out.splitlines()[-1].startswith(f"drift 1 of {SAMPLE_COUNT} assets, ")
    assert "posters/lantern-festival: tags is []" in differing.out


def test_json_carries_the_same_figures(call: Call, mirrored: Deployment) -> None:
    _execute(mirrored.engine, "update media_assets set version = 1 where public_id = 'posters/lantern-festival'")
    ended = call("drift", "--json", **mirrored.variables)
    assert ended.code == ExitCode.DRIFT
    report = ended.json
    assert (report["drifted"], report["assets"], report["by_field"]) == (1, SAMPLE_COUNT, {"version": 1})
    assert report["differences"][0]["in_mirror"] == 1
    assert report["call_count"] == 11
