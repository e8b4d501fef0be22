"""Brackenhaven, an invented harbour town: its people, places, folders, tags and metadata fields.

Belongs here: words, as data, and how an asset of an ordinary series is described with them.
Not here: which assets there are, and the descriptions that are odd on purpose (sample_oddities).
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Literal, NamedTuple

from media_pipeline.emulator.sample_asset import MetadataValue, SampleAsset

SEED = "brackenhaven-1"
"""Part of the seed of every asset: another word here is another library."""

PLACES = (
    "Lantern Quay",
    "Saltmarket",
    "Gull Bridge",
    "Old Ropewalk",
    "Mill Weir",
    "Copper Lane",
    "Fernhill",
    "Tern Rock",
    "Northgate",
    "Observatory Hill",
)

PHOTOGRAPHERS = (
    "Amara Okonkwo-Lindqvist",
    "Łukasz Żurawski",
    "Σοφία Καραμάνη",
    "山本 あかり",
    "Þóra Björk Eldjárn",
    "Nguyễn Thị Hoa",
    "Media Office",
)

Hair = Literal["short", "parted", "long", "bob", "bun"]


class Person(NamedTuple):
    """A member of the staff, and how the portrait shows them."""

    name: str
    office: str
    hair: Hair
    has_beard: bool = False


PEOPLE = (
    Person("Amara Okonkwo-Lindqvist", "mayor", "long"),
    Person("Łukasz Żurawski", "harbour master", "short", has_beard=True),
    Person("Σοφία Καραμάνη", "head of the museum", "bob"),
    Person("山本 あかり", "twin towns officer", "bun"),
    Person("Олена Вишневецька", "director of the choir", "long"),
    Person("ليلى الحداد", "librarian", "bun"),
    Person("Nguyễn Thị Hoa", "town gardener", "bob"),
    Person("김서연", "tram engineer", "parted"),
    Person("Þóra Björk Eldjárn", "lighthouse keeper", "bun"),
    Person("José Ángel Peña", "market warden", "short", has_beard=True),
    Person("अनीता शर्मा", "school inspector", "long"),
    Person("דנה לוי-ברק", "archivist", "parted"),
    Person("Çağla Şahin", "fire chief", "bob"),
    Person("Ọlábísí Adéwálé", "youth worker", "short", has_beard=True),
    Person("Zoë O'Brien-Núñez", "statistician", "parted"),
    Person("สมชาย ใจดี", "swimming teacher", "short"),
    Person("Björn Ångström", "ferry captain", "short", has_beard=True),
    Person("გიორგი ლომიძე", "baker", "parted", has_beard=True),
    Person("Anouk d'Aubrac", "press officer", "bun"),
    Person("陳美玲", "town planner", "parted"),
    Person("Tomáš Dvořáček", "organist", "short", has_beard=True),
    Person("Fiadh Ní Cheallaigh", "ombudswoman", "long"),
)


class TwinTown(NamedTuple):
    """A partner of Brackenhaven: its name, its festival and the folder its pictures live in."""

    name: str
    festival: str
    folder: str
    language: str


TWIN_TOWNS = (
    TwinTown("青葉港", "港まつり", "Twin Towns/青葉港/祭り 2024", "ja"),
    TwinTown("Νησίδα", "Γιορτή της θάλασσας", "Twin Towns/Νησίδα/Φωτογραφίες", "el"),
    TwinTown("Вишневий Яр", "Фестиваль човнів", "Twin Towns/Вишневий Яр/Фестиваль", "uk"),
    TwinTown("مرسى النور", "ليلة الفوانيس", "Twin Towns/مرسى النور", "ar"),
    TwinTown("Grünwörth", "Straßenmusik im Mühlhof", "Twin Towns/Grünwörth/Öffentlich", "de"),
    TwinTown("푸른나루", "등불 축제", "Twin Towns/푸른나루", "ko"),
)

METADATA_FIELDS: tuple[dict[str, object], ...] = (
    {
        "external_id": "inventory_number",
        "type": "string",
        "label": "Inventory number",
        "mandatory": False,
        "validation": {"type": "regex", "value": "^BH-[0-9]{4}-[0-9]{3}$"},
    },
    {
        "external_id": "credit_line",
        "type": "string",
        "label": "Credit line",
        "mandatory": False,
        "validation": {"type": "strlen", "min": 2, "max": 120},
    },
    {
        "external_id": "shot_on",
        "type": "date",
        "label": "Shot on",
        "mandatory": False,
        "validation": {"type": "greater_than", "equals": True, "value": "1900-01-01"},
    },
    {
        "external_id": "rights_until",
        "type": "date",
        "label": "Rights until",
        "mandatory": False,
        "validation": {
            "type": "and",
            "rules": [
                {"type": "greater_than", "equals": True, "value": "2000-01-01"},
                {"type": "less_than", "equals": False, "value": "2100-01-01"},
            ],
        },
    },
    {
        "external_id": "print_run",
        "type": "integer",
        "label": "Print run",
        "mandatory": False,
        "validation": {
            "type": "and",
            "rules": [
                {"type": "greater_than", "equals": True, "value": 0},
                {"type": "less_than", "equals": True, "value": 50_000},
            ],
        },
    },
    {
        "external_id": "licence",
        "type": "enum",
        "label": "Licence",
        "mandatory": True,
        "default_value": "own_work",
        "datasource": {
            "values": [
                {"external_id": "own_work", "value": "© Town of Brackenhaven"},
                {"external_id": "cc_by_4", "value": "CC BY 4.0"},
                {"external_id": "press_only", "value": "Press use only"},
                {"external_id": "agency", "value": "Agency, fee due"},
                {"external_id": "unclear", "value": "Rights unclear (ask!)"},
            ]
        },
    },
    {
        "external_id": "approval_state",
        "type": "enum",
        "label": "Approval",
        "mandatory": False,
        "datasource": {
            "values": [
                {"external_id": "draft", "value": "Draft"},
                {"external_id": "in_review", "value": "In review"},
                {"external_id": "approved", "value": "Approved"},
                {"external_id": "withdrawn", "value": "Withdrawn"},
            ]
        },
    },
    {
        "external_id": "audience",
        "type": "set",
        "label": "Audience",
        "mandatory": False,
        "datasource": {
            "values": [
                {"external_id": "residents", "value": "Residents"},
                {"external_id": "visitors", "value": "Visitors"},
                {"external_id": "schools", "value": "Schools"},
                {"external_id": "press", "value": "Press"},
                {"external_id": "twin_towns", "value": "Twin towns · Partnerstädte · 姉妹都市"},
            ]
        },
    },
)

_AUDIENCES = ("residents", "visitors", "schools", "press", "twin_towns")
_LICENCES = ("own_work", "cc_by_4", "press_only", "agency", "unclear")
_CAPTIONS = (
    "{subject}, seen by {who}.",
    "{subject} | taken for the yearbook",
    "{subject} (f=2.8 | ISO=400 | t=1/250)",
    "{subject}\nFor the spring issue of the town paper.",
    "More: https://brackenhaven.example/pictures?subject={year}&lang=en",
    "{subject}; left to right: harbour = old, bridge = new",
)


def described(asset: SampleAsset, rng: random.Random, subject: str, tags: tuple[str, ...], year: int) -> SampleAsset:
    """The asset with tags, context and metadata of its subject; some assets get little, as in real life."""
    who = rng.choice(PHOTOGRAPHERS)
    context: dict[str, str] = {}
    if rng.random() < 0.86:
        context["alt"] = subject
    if rng.random() < 0.6:
        context["caption"] = rng.choice(_CAPTIONS).format(subject=subject, who=who, year=year)
    if rng.random() < 0.5:
        context["photographer"] = who
    metadata: dict[str, MetadataValue] = {}
    if rng.random() < 0.7:
        metadata["shot_on"] = f"{year}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    if rng.random() < 0.5:
        metadata["licence"] = rng.choice(_LICENCES)
    if rng.random() < 0.4:
        metadata["audience"] = rng.sample(_AUDIENCES, rng.randint(1, 3))
    if rng.random() < 0.3:
        metadata["approval_state"] = rng.choice(("draft", "in_review", "approved", "approved", "withdrawn"))
    if rng.random() < 0.25:
        metadata["inventory_number"] = f"BH-{year}-{rng.randrange(1000):03d}"
    if rng.random() < 0.2:
        metadata["credit_line"] = f"Brackenhaven / {who}"
    if rng.random() < 0.15:
        metadata["rights_until"] = f"{max(year, 2014) + 10}-12-31"
    spare = (
        "approved for print",
        "web",
        "social media",
        "favourite",
        "Harbour",
        "needs-crop",
        "100% recycled",
    )
    extra = tuple(rng.sample(spare, rng.choice((0, 0, 1, 2))))
    dated = () if rng.random() < 0.4 else (str(year),)
    return replace(asset, tags=(*tags, *dated, *extra), context=context, metadata=metadata)
