"""``sync --dry-run``: tells what a sync would find, and writes nothing anywhere."""

from __future__ import annotations

from sqlalchemy import Engine, text

from media_pipeline.cli import sample_library
from media_pipeline.db.engine import read_only
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import ExitCode
from media_pipeline.reads.changes import count_changes
from media_pipeline_tests.cli.conftest import SAMPLE_COUNT, Call, Deployment


def checksums(engine: Engine) -> dict[str, str]:
    """Of the content of every table, and the state of every sequence, that is ours."""
    ours = "schemaname !~ '^(pg_|information_schema)'"
    with read_only(engine) as connection:

        def names(catalogue: str, name: str) -> list[str]:
            found = connection.execute(
                text(f"select format('%I.%I', schemaname, {name}) from {catalogue} where {ours}")
            )
            return list(found.scalars())

        content = "count(*) || '-' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '')"
        wanted = dict.fromkeys(names("pg_tables", "tablename"), content)
        wanted |= dict.fromkeys(names("pg_sequences", "sequencename"), "last_value || '-' || is_called")
        return {
            name: connection.execute(text(f"select {expression} from {name} as t")).scalar_one()
            for name, expression in wanted.items()
        }


def test_nothing_is_written_to_any_table(call: Call, mirrored: Deployment) -> None:
    sample_library.change(mirrored.client, lambda what, name: None)
    before = checksums(mirrored.engine)
    assert len(before) > 20
    ended = call("sync", "--dry-run", "--json", **mirrored.variables)
    assert ended.code == 0
    assert checksums(mirrored.engine) == before


def test_it_finds_what_the_sync_then_finds(call: Call, mirrored: Deployment) -> None:
    sample_library.change(mirrored.client, lambda what, name: None)
    look = call("sync", "--dry-run", "--json", **mirrored.variables).json
    run_id = mirrored.sync()
    found = {one.kind.value: one.change_count for one in count_changes(mirrored.engine, run_id)}
    expected = {one["kind"]: one["asset_count"] for one in look["changes"]}
    assert expected == {kind: count for kind, count in found.items() if kind != "deleted"}
    assert look["suspects"]["asset_count"] == found["deleted"] == 3
    assert look["would_hold"] == []


def test_a_first_look_finds_only_new_assets(call: Call, deployment: Deployment) -> None:
    look = call("sync", "--dry-run", "--json", **deployment.variables).json
    assert [(one["kind"], one["asset_count"]) for one in look["changes"]] == [("created", SAMPLE_COUNT)]
    assert look["suspects"]["asset_count"] == 0
    assert (look["is_dry_run"], look["asset_count"]) == (True, SAMPLE_COUNT)


def test_an_unchanged_cloud_is_told_in_a_sentence(call: Call, mirrored: Deployment) -> None:
    ended = call("sync", "--dry-run", **mirrored.variables)
    assert "nothing was written" in ended.out
    assert "A sync would find nothing new." in ended.out


def test_an_emptied_cloud_is_told_to_end_in_a_hold(call: Call, mirrored: Deployment) -> None:
    mirrored.control.reset()
    ended = call("sync", "--dry-run", **mirrored.variables)
    assert ended.code == 0
    assert f"≤ {SAMPLE_COUNT}" in ended.out
    assert "upper bound" in ended.out
    assert "A sync would hold and ask you: image/upload" in ended.out


def test_a_slice_that_breaks_suspects_nothing(call: Call, mirrored: Deployment) -> None:
    mirrored.control.add_faults(Rule(Kind.STATUS, path="/resources/image/upload*", status=503))
    ended = call("sync", "--dry-run", "--json", **mirrored.variables, retries=0)
    assert ended.code == ExitCode.FAILED
    look = ended.json
    assert len(look["problems"]) == 1
    assert look["problems"][0].startswith("image/upload: ")
    assert look["suspects"]["asset_count"] == 0


def test_a_cursor_that_comes_again_ends_the_slice(call: Call, mirrored: Deployment) -> None:
    mirrored.control.add_faults(Rule(Kind.REPEATED_CURSOR, path="/resources/image/upload*"))
    look = call("sync", "--dry-run", "--json", **mirrored.variables, listing_page_size=7).json
    assert [problem.split(":")[0] for problem in look["problems"]] == ["image/upload"]


def test_a_slice_with_an_unreadable_record_suspects_nothing(call: Call, mirrored: Deployment) -> None:
    body = '{"resources": [{"public_id": "without an id"}]}'
    mirrored.control.add_faults(Rule(Kind.STATUS, path="/resources/image/upload*", status=200, body=body))
    look = call("sync", "--dry-run", "--json", **mirrored.variables).json
    assert (look["unreadable"], look["suspects"]["asset_count"]) == (1, 0)
    assert "1 record cannot be read" in call("sync", "--dry-run", **mirrored.variables).out


def test_another_cloud_is_refused(call: Call, mirrored: Deployment) -> None:
    with mirrored.engine.begin() as connection:
        connection.exec_driver_sql("update ops.cloud_binding set cloud_name = 'somebody-elses'")
    ended = call("sync", "--dry-run", "--json", **mirrored.variables)
    assert ended.code == ExitCode.CONFIGURATION
    assert ended.json["error"]["kind"] == "WrongCloud"


def test_a_database_without_tables_is_refused(call: Call, deployment: Deployment, empty_database_url: str) -> None:
    ended = call("sync", "--dry-run", "--json", **{**deployment.variables, "database_url": empty_database_url})
    assert ended.code == ExitCode.CONFIGURATION
    assert ended.json["error"]["kind"] == "MigrationNeeded"
