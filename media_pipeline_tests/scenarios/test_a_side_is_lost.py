"""One whole side is gone: what comes back from the other one, to the level that is stated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from media_pipeline import outbox
from media_pipeline.db import engine as engine_module
from media_pipeline.errors import IncarnationUnconfirmed
from media_pipeline.ops import holds, incarnation
from media_pipeline.progress import Silent
from media_pipeline.vault import Vault
from media_pipeline.vocabulary import AssetId, HoldState
from media_pipeline_tests.database import Postgres
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.push.conftest import PushRig
from media_pipeline_tests.scenarios.both_sides import differences, require_equal

FIELDS = "select public_id, tags, context, display_name, asset_folder, size_bytes from media_assets"


@pytest.fixture
def library(rig: Rig, tmp_path: Path) -> PushRig:
    """Six mirrored assets of several kinds, each with fields that people gave it, and the vault switched on."""
    settings = rig.settings.model_copy(
        update={"home": tmp_path, "vault": True, "undo_seconds": 0, "delivery_types": ("upload", "private")}
    )
    both = PushRig(rig.engine, rig.endpoints, rig.control, settings)
    for number in range(4):
        both.upload(
            f"a{number}", colour=number, tags=["harbour"], context={"alt": f"boat {number}"}, asset_folder="town"
        )
    both.upload("note.txt", resource_type="raw", content=b"a note", display_name="A note")
    both.upload("hidden", colour=9, delivery_type="private", tags=["secret"])
    both.sync()
    return both


def test_a_lost_database_is_rebuilt_from_cloudinary_with_all_that_cloudinary_has(
    library: PushRig, postgres: Postgres
) -> None:
    library.edit("a0", "tags = array['pushed'], custom = '{\"shelf\": 4}'")
    library.push()
    library.edit("a1", "tags = array['not pushed yet']")
    library.delete("a2")
    library.control.clear_journal()

    with postgres.database(template=postgres.template) as url:
        engine = engine_module.create_engine(url, pool_size=4)
        try:
            rebuilt = PushRig(engine, library.endpoints, library.control, library.settings)
            rebuilt.sync()
            # It is not the database that was pushed from: a person has to know.
            with pytest.raises(IncarnationUnconfirmed):
                rebuilt.push()
            incarnation.confirm(engine, rebuilt.settings.home, actor="cli:ada")
            pushed = rebuilt.push()

            assert pushed.sent == 0
            require_equal(rebuilt, rebuilt.settings.slices)
            # What Cloudinary never had is gone with the database: own fields, edits that waited.
            assert rebuilt.query(
                "select public_id, tags, custom from media_assets where public_id in ('a0', 'a1') order by public_id"
            ) == [
                ("a0", ["pushed"], {}),
                ("a1", ["harbour"], {}),
            ]
            assert set(rebuilt.live()) == {"a0", "a1", "a2", "a3", "note.txt", "hidden"}
        finally:
            engine.dispose()
    assert {request.method for request in library.control.journal()} == {"GET"}


def test_a_lost_cloud_is_rebuilt_from_the_vault_and_every_row_goes_on(library: PushRig) -> None:
    with library.client() as client:
        Vault(library.engine, library.settings.home).fill(client, limit_bytes=None, progress=Silent())
    before = library.query(f"{FIELDS} order by public_id")
    ids = dict(library.query("select public_id, id from media_assets"))
    ((moment,),) = library.query("select clock_timestamp()")
    with library.client() as outsider:
        outsider.delete_assets([AssetId(one) for one in library.live().values()])
    assert library.there() == {}

    # An empty listing passes no guard: a person has to say that it is true.
    library.sync()
    assert len(library.live()) == 6
    while waiting := holds.list_holds(library.engine):
        for hold in waiting:
            holds.decide(library.engine, hold.id, HoldState.APPROVED, actor="cli:ada")
        library.sync()
    assert library.live() == {}
    gone = [AssetId(row[0]) for row in library.query("select asset_id from media_assets")]
    assert outbox.revert(library.engine, gone, moment, actor="cli:ada") == (6, [])
    for _ in range(3):
        library.push()
        library.push_now()

    assert {state for kind, state in library.operations() if kind == "restore"} == {"done"}
    outcomes = {row[0].split(" (")[0] for row in library.query("select outcome from outbox.operation")}
    assert outcomes == {"uploaded anew from the vault"}
    assert library.query(f"{FIELDS} order by public_id") == before
    assert dict(library.query("select public_id, id from media_assets")) == ids
    assert not set(gone) & set(library.live().values())
    assert differences(library, library.settings.slices) == []
    assert moment < datetime.now(UTC)
