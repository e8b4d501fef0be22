"""One record among a thousand that nobody can take, and names of every kind that everybody must take."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from media_pipeline.emulator.faults import Kind
from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import ResourceType
from media_pipeline_tests.mirror.conftest import Rig
from media_pipeline_tests.scenarios.both_sides import differences, require_equal

IMAGES: dict[str, Any] = {"resource_type": ResourceType.IMAGE, "delivery_type": "upload"}
THOUSAND: dict[str, Any] = {"listing_page_size": 500, "delivery_types": ("upload", "private", "authenticated")}


@pytest.mark.parametrize(("page", "place"), [(1, 0), (1, 250), (2, -1)], ids=["first", "in the middle", "last"])
def test_one_poisoned_record_among_a_thousand_is_set_aside_and_the_others_are_mirrored(
    rig: Rig, page: int, place: int
) -> None:
    rig.settings = rig.settings.model_copy(update=THOUSAND)
    rig.control.bulk(1000)
    with rig.client() as client:
        answers: list[dict[str, Any]] = []
        for _ in range(page):
            cursor = answers[-1]["next_cursor"] if answers else None
            answers.append(json.loads(client.list_page(rig.settings.slices[0], cursor=cursor, page_size=500).body))
    victim = answers[-1]["resources"][place]
    victim["bytes"] = "a lot"
    rig.break_lists(Kind.STATUS, status=200, body=json.dumps(answers[-1]), first=page, times=1)

    synced = rig.sync()

    assert (synced.apply.created, synced.mirror.pages.quarantined) == (999, 1)
    assert rig.query("select asset_id, reason from mirror.quarantine") == [(victim["asset_id"], "wrong_type")]
    assert [(one.key, one.problem) for one in differences(rig)] == [(victim["asset_id"], "missing")]
    rig.sync()
    assert rig.query("select count(*) from mirror.quarantine where resolved_at is null") == [(0,)]
    require_equal(rig)


COMPOSED = "Müller/Übergröße ño"
NAMES = [
    COMPOSED,
    unicodedata.normalize("NFD", COMPOSED),
    "東京/写真 1",
    "שלום עולם",
    "family 👩\u200d👩\u200d👧",
    "right\u202eto left",
    "a/b/c/d/e/f/g/h",
    "with  two spaces",
    "and=equals|pipe",
    "quotes'\"`$HOME;--",
    "null",
    "=cmd",
    "UPPER",
    "upper",
    "x" * 255,
    "ends in a dot.",
    "l'été, comma",
]
CONTEXT = {
    "equals": "a=b=c",
    "pipe": "a|b|c",
    "both": "=|=|",
    "k=e|y": "odd key",
    "backslash": "a\\b",
    "lines": "one\ntwo",
    "decomposed": unicodedata.normalize("NFD", "é"),
    "composed": "é",
    "markup": "<b>&amp;</b>",
    "ключ": "значение",
}
TAGS = ["two words", "é", unicodedata.normalize("NFD", "é"), "=", "|", "'", "Tag", "tag", "日本"]


def test_names_tags_and_context_of_every_kind_arrive_as_they_are(rig: Rig) -> None:
    assert len({unicodedata.normalize("NFC", name) for name in NAMES}) == len(NAMES) - 1
    ids = {
        name: rig.upload(name, colour=number, display_name=name.split("/")[-1], tags=TAGS, context=CONTEXT)
        for number, name in enumerate(NAMES)
    }
    rig.upload("odd folder", colour=500, asset_folder="Ünï cöde/=|, 東")
    # The service takes a comma for the end of a tag, whoever writes it.
    with rig.client() as outsider:
        outsider.change_tags(TagCommand.ADD, ["one", "two"], public_ids=["null"], **IMAGES)

    rig.sync(listing_page_size=4)

    require_equal(rig)
    assert {name: asset for name, asset in rig.live().items() if name in ids} == ids
    ((tags, context),) = rig.query("select tags, context from media_assets where public_id = %(name)s", name=COMPOSED)
    assert (sorted(tags), context) == (sorted(TAGS), CONTEXT)
    with rig.client() as outsider:
        outsider.rename(COMPOSED, "plain", **IMAGES)
        outsider.rename("plain", f"{COMPOSED}/again", **IMAGES)
    rig.sync()
    require_equal(rig)
