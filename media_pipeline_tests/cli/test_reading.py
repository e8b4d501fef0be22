"""What people read comes from the database alone: nothing of it asks the cloud."""

from __future__ import annotations

import pytest

from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import ExitCode
from media_pipeline_tests.cli.conftest import Call, Deployment

READS = (
    ("status",),
    ("holds", "list"),
    ("plan", "list"),
    ("conflicts", "list"),
    ("orphans", "list"),
    ("vault", "status"),
    ("spool", "list"),
    ("metrics",),
    ("explain",),
)


@pytest.mark.parametrize("read", READS, ids=" ".join)
def test_a_read_asks_nothing_of_the_cloud_and_answers_while_it_is_away(
    call: Call, mirrored: Deployment, read: tuple[str, ...]
) -> None:
    with mirrored.engine.connect() as connection:
        asset_id = connection.exec_driver_sql("select asset_id from media_assets limit 1").scalar_one()
    mirrored.control.add_faults(Rule(Kind.STATUS, status=503))
    mirrored.control.clear_journal()

    ended = call(*read, *([asset_id] if read == ("explain",) else []), **mirrored.variables)

    assert (ended.code, ended.out != "") == (ExitCode.OK, True)
    assert mirrored.control.journal() == []


def test_an_asset_is_read_from_the_table_while_the_cloud_is_away(mirrored: Deployment) -> None:
    mirrored.control.add_faults(Rule(Kind.STATUS, status=503))
    mirrored.control.clear_journal()

    with mirrored.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "select secure_url, tags, metadata from media_assets"
            " where search @@ websearch_to_tsquery('simple', 'harbour') and deleted_at is null"
        ).all()

    assert found
    assert all(row.secure_url.startswith("http") for row in found)
    assert mirrored.control.journal() == []
