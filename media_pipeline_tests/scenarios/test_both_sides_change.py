"""Every combination of what both sides can do to an asset, and to each of its fields, ends as a table says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from media_pipeline import mirror
from media_pipeline.merge import TAGS
from media_pipeline.vocabulary import AssetId
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.push.conftest import PushRig
from media_pipeline_tests.scenarios.both_sides import differences, require_whole_log

TITLE = "display_name = 'ours'"

# What we do, what they do; then the title there and here (None: deleted), and how our operation ends.
ASSETS: Final[Mapping[str, tuple[str | None, dict[str, Any] | None, str | None, str | None, str | None]]] = {
    "nobody": (None, {}, "nobody", "nobody", None),
    "they edit": (None, {"display_name": "theirs"}, "theirs", "theirs", None),
    "they delete": (None, None, None, None, None),
    "we edit": (TITLE, {}, "ours", "ours", "done"),
    "another field": (TITLE, {"asset_folder": "theirs"}, "ours", "ours", "done"),
    "the same": (TITLE, {"display_name": "ours"}, "ours", "ours", "done"),
    "clash": (TITLE, {"display_name": "theirs"}, "theirs", "ours", "conflict"),
    "we edit, they delete": (TITLE, None, None, None, "conflict"),
    "we delete": ("deleted_at = now()", {}, None, None, "done"),
    "we delete, they edit": ("deleted_at = now()", {"display_name": "theirs"}, "theirs", "theirs", "conflict"),
    "both delete": ("deleted_at = now()", None, None, None, "done"),
}
CLASHES: Final = ["clash", "we delete, they edit", "we edit, they delete"]

# Field, what it was, what we make of it, what they make of it; each as SQL assigns it and as the API takes it.
FIELDS: Final[Mapping[str, tuple[Any, tuple[str, Any], Any]]] = {
    "tags": (["old"], ("array['old', 'ours']", ["old", "ours"]), ["old", "theirs"]),
    "context": ({"k": "old"}, ('\'{"k": "ours"}\'', {"k": "ours"}), {"k": "theirs"}),
    "metadata": ({"note": "old"}, ('\'{"note": "ours"}\'', {"note": "ours"}), {"note": "theirs"}),
    "display_name": ("old", ("'ours'", "ours"), "theirs"),
    "asset_folder": ("old", ("'ours'", "ours"), "theirs"),
    "access_control": (
        [],
        ('\'[{"access_type": "token"}]\'', [{"access_type": "token"}]),
        [{"access_type": "anonymous"}],
    ),
}


@pytest.fixture
def library(rig: Rig, tmp_path: Path) -> PushRig:
    settings = rig.settings.model_copy(
        update={
            "home": tmp_path,
            "vault": False,
            "undo_seconds": 0,
            "deletion_limit_count": 10,
            "listing_page_size": 500,
        }
    )
    return PushRig(rig.engine, rig.endpoints, rig.control, settings)


def push_and_sync(rig: PushRig) -> None:
    for _ in range(2):
        rig.push()
        rig.push_now()
    rig.sync()


def test_whatever_both_sides_did_to_an_asset_ends_as_the_table_says(library: PushRig) -> None:
    ids = {name: library.upload(name, colour=number) for number, name in enumerate([*ASSETS, "stays"])}
    library.sync()
    library.upload("they upload", colour=99)
    for name, (ours, _, _, _, _) in ASSETS.items():
        if ours is not None:
            library.edit(name, ours)
    with library.client() as outsider:
        for name, (_, theirs, _, _, _) in ASSETS.items():
            if theirs:
                outsider.update(ids[name], **theirs)
        outsider.delete_assets([ids[name] for name, (_, theirs, _, _, _) in ASSETS.items() if theirs is None])

    push_and_sync(library)

    there = {name: one["display_name"] for name, one in library.there().items()}
    here = dict(library.query("select public_id, display_name from media_assets where deleted_at is null"))
    states = dict(
        library.query(
            "select m.public_id, o.state from outbox.operation o join media_assets m on m.id = o.media_asset_id"
        )
    )
    assert {name: (there.get(name), here.get(name), states.get(name)) for name in ASSETS} == {
        name: (in_cloud, in_mirror, state) for name, (_, _, in_cloud, in_mirror, state) in ASSETS.items()
    }
    assert "they upload" in here
    conflicts = library.query(
        "select m.public_id from outbox.conflict c join media_assets m using (asset_id)"
        " where c.state = 'open' order by m.public_id"
    )
    assert [name for (name,) in conflicts] == CLASHES
    # Where somebody has to decide, the editor goes on seeing the words that were typed.
    assert [one.name for one in differences(library)] == ["clash"]
    require_whole_log(library)


@pytest.mark.parametrize("is_synced_before", [False, True], ids=["pushed first", "synced first"])
def test_whatever_both_sides_did_to_a_field_ends_as_the_table_says(library: PushRig, is_synced_before: bool) -> None:
    with library.client() as outsider:
        outsider.create_metadata_field({"type": "string", "label": "note", "external_id": "note"})
    ids: dict[tuple[str, str], AssetId] = {}
    for field, (old, _, _) in FIELDS.items():
        for case in ("we", "they", "same", "differ"):
            options = {field: old} if old else {}
            ids[field, case] = library.upload(f"{field} {case}", colour=len(ids), **options)
    library.sync()
    with library.client() as outsider:
        mirror.refresh_metadata_fields(library.engine, outsider)
        for (field, case), asset_id in ids.items():
            _, (assigned, ours), theirs = FIELDS[field]
            if case != "they":
                library.edit(f"{field} {case}", f"{field} = {assigned}")
            if case != "we":
                outsider.update(asset_id, **{field: ours if case == "same" else theirs})

    if is_synced_before:
        library.sync()
    push_and_sync(library)

    there = library.there()
    for field, (_, (_, ours), theirs) in FIELDS.items():
        both = ["old", "ours", "theirs"] if field == TAGS else theirs
        expected = {"we": ours, "they": theirs, "same": ours, "differ": both}
        assert {case: value(there[f"{field} {case}"], field) for case in expected} == expected
    conflicts = library.query("select field, key from outbox.conflict where state = 'open' order by field")
    assert conflicts == [
        ("access_control", "access_control"),
        ("asset_folder", "asset_folder"),
        ("context", "k"),
        ("display_name", "display_name"),
        ("metadata", "note"),
    ]
    assert {one.name for one in differences(library)} == {f"{field} differ" for field in FIELDS if field != TAGS}
    require_whole_log(library)


def value(document: Mapping[str, Any], field: str) -> Any:
    """A field as the cloud lists it, in the words of the table."""
    if field == "context":
        return document["context"]["custom"]
    if field == TAGS:
        return sorted(document["tags"])
    return document[field]
