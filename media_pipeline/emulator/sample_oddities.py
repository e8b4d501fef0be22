r"""Assets of the sample library that are legal and awkward: the ids, folders and words people really use.

Belongs here: every kind of name, description and copy that has broken a mirror before, within the limits of
Cloudinary (public_id and folder up to 255 characters without ``? & # \ % < > +``, tags up to 255, context
values up to 1,024).
Not here: anything Cloudinary would refuse, ordinary series (sample_series, sample_files).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from media_pipeline.emulator.sample_asset import DeliveryType, MetadataValue, SampleAsset
from media_pipeline.emulator.sample_drawing import PALETTES, Size
from media_pipeline.emulator.sample_files import moving_pictures, open_data, sounds
from media_pipeline.emulator.sample_plan import Picture, Plan, picture
from media_pipeline.emulator.sample_scenes import fields, flowers, hills, lighthouse
from media_pipeline.emulator.sample_series import views
from media_pipeline.emulator.sample_streets import skyline, waterfront
from media_pipeline.emulator.sample_town import SEED

_LOOKS = tuple(PALETTES)
_SCENES = (waterfront, hills, lighthouse, flowers, fields, skyline)

_LONG_ID = "archive/" + "/".join(f"drawer-{drawer:02d}/sheet-of-the-harbour-survey" for drawer in range(1, 9))
_LONG_UNICODE_ID = "記録/" + "港町の記録" * 48 + "港町の・二〇二四.txt"
_LONG_FOLDER = "Archive/" + "/".join(
    (
        "Correspondence with the neighbouring parishes",
        "Rights of way and towing paths 1821 to 1899",
        "Box 113",
    )
)

_EQUAL_FOLDER = "Harbour/Every kind"

_ODD_TAGS = (
    "<i>draft</i>",
    "'quoted'",
    "a=b|c",
    "naïve art",
    "祭り",
    "фестиваль",
    "γιορτή",
    "ليلة الفوانيس",
    "🎆",
    "two  spaces",
)

_ODD_IDS = (
    "Gull Bridge (opening), 2025; final = really",
    'it\'s "done"',
    "@home!~$*'[]{}^`|",
    "=SUM(A1:A9)",
    "minutes'); drop table media_assets;--",
    "Protocol no. 7.",
    "holiday.jpg",
    "poster.v2.final.FINAL.psd",
    ".hidden",
    "20240625",
    "null",
    "v12b/almost a version",
    "Posters/Regatta",
    "posters/regatta",
    "🎆/🏮 night 👩‍👩‍👧",
    "Größe/Ärger/Öl-Übergabe",
    "zero\u200bwidth",
    "no\u00a0break",
    "a/b/c/d/e/f/g/h",
    "-leading-hyphen",
    "Šibeničné/žluťoučký kůň",
    "שלום/נמל",
)


def _scene(place: int, size: Size = (480, 320)) -> Picture:
    scene, look = _SCENES[place % len(_SCENES)], PALETTES[_LOOKS[(place * 2 + 1) % len(_LOOKS)]]
    return lambda rng: scene(rng, size, look)


def _odd_ids() -> Iterator[Plan]:
    """No tags and no context either: nothing but a name."""
    for place, public_id in enumerate(_ODD_IDS):
        yield picture(public_id, "jpg", _scene(place), folder="Inbox" if place % 3 else "")
    # Characters, not bytes: 255 of them may be 700 bytes.
    yield picture(_LONG_ID[:255], "jpg", _scene(3), file_name="survey.jpg", folder=_LONG_FOLDER)
    name = ("長い名前 " * 42).strip()
    record = SampleAsset("記録.txt", b"", "raw", "upload", _LONG_UNICODE_ID, _LONG_FOLDER, name)
    yield Plan(record, lambda _rng: "記録\n".encode(), SEED)


def _two_spellings() -> Iterator[Plan]:
    """One word in composed and in decomposed letters is two ids, two folders and two tags."""
    forms: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
    for form in forms:
        word = unicodedata.normalize(form, "Café Größe Ångström")
        plan = picture(f"cafés/{word}", "jpg", _scene(4), folder=f"Inbox/{word}", display_name=word)
        yield replace(plan, asset=replace(plan.asset, tags=(word, form.lower()), context={"alt": word}))


def _equal_ids() -> Iterator[Plan]:
    """One public_id five times: three delivery types, three resource types."""
    deliveries: tuple[DeliveryType, ...] = ("upload", "private", "authenticated")
    for place, delivery in enumerate(deliveries):
        plan = picture("equal/harbour", "jpg", _scene(place), display_name="Harbour", delivery_type=delivery)
        yield replace(plan, asset=replace(plan.asset, asset_folder=_EQUAL_FOLDER), seed=f"{plan.seed}/{delivery}")
    for plan in (next(moving_pictures()), next(open_data())):
        asset = replace(plan.asset, public_id="equal/harbour", asset_folder=_EQUAL_FOLDER, display_name="Harbour")
        yield Plan(asset, plan.draw, f"{SEED}/equal/{asset.resource_type}")


def _copies() -> Iterator[Plan]:
    """The same bytes under other names, as happens to every office."""
    view, film, table, sound = next(views()), next(moving_pictures()), next(open_data()), next(sounds())
    press = "Mayor's Office/Press/2024/June/Lantern Festival"
    for plan, public_id, folder, name in (
        (view, "press/2024/lantern quay", press, "Lantern Quay at dawn"),
        (view, "Copy of lantern-quay-at-dawn (1)", "", None),
        (view, "newsletter/header", "Corporate Design/Newsletter", "Header"),
        (film, "social/quay-short", "Tourism/Social Media", "Quay"),
        (table, "old/tram-counts.csv", "Statistics/Open Data 2", "tram-counts.csv"),
        (sound, "social/bell", "Tourism/Social Media", "Bell"),
    ):
        asset = replace(plan.asset, public_id=public_id, asset_folder=folder, display_name=name)
        yield replace(plan, asset=replace(asset, tags=("copy",), context={}, metadata={}))


def _many_tags() -> Plan:
    plan = picture("maps/cadastral sheet", "png", _scene(4), folder="Public Works/Maps", display_name="Plots")
    return replace(plan, asset=replace(plan.asset, tags=tuple(f"plot-{number:04d}" for number in range(1, 121))))


def _long_words() -> Plan:
    name = ("A statement " * 22)[:255].strip()
    caption = ("The town council has resolved and resolves again: " * 21)[:1023] + "."
    plan = picture("press/statement", "jpg", _scene(1), folder="Events 2", display_name=name)
    asset = replace(plan.asset, tags=("t" * 250 + "-long",), context={"caption": caption})
    return replace(plan, asset=replace(asset, metadata={"credit_line": "c" * 120}))


def _much_context() -> Plan:
    context = {f"room_{number:02d}": f"shelf={number}|box={number * 3}" for number in range(1, 41)}
    context["légende"] = "Prêt « à durée indéterminée »"
    plan = picture("museum/loan form", "webp", _scene(5), folder="Museum/Collection loans", display_name="=SUM(A1)")
    lowest: dict[str, MetadataValue] = {
        "print_run": 0,
        "shot_on": "1900-01-01",
        "rights_until": "2099-12-31",
        "licence": "unclear",
    }
    return replace(plan, asset=replace(plan.asset, context=context, metadata=lowest))


def _markup() -> Plan:
    """Nothing in it is dangerous, and all of it must be shown as text."""
    name = '<b>Big & "bold" <script>idea(1)'
    plan = picture("logos/draft", "png", _scene(2), folder="Corporate Design/Drafts", display_name=name)
    context = {
        "alt": "<img alt=x> & more",
        "caption": "=cmd|' /C calc'!A0",
        "photographer": "山本 あかり | Σοφία = Σ",
    }
    highest: dict[str, MetadataValue] = {
        "print_run": 50_000,
        "audience": ["residents", "visitors", "schools", "press", "twin_towns"],
    }
    return replace(plan, asset=replace(plan.asset, tags=_ODD_TAGS, context=context, metadata=highest))


def _odd_words() -> Iterator[Plan]:
    yield from (_many_tags(), _long_words(), _much_context(), _markup())
    yield picture("spacer", "png", lambda rng: hills(rng, (8, 8), PALETTES["noon"]).crop((3, 3, 4, 4)))


def _restricted() -> Iterator[Plan]:
    """Pictures of the citizens' contest: waiting for moderation, or public only from a certain day."""
    term = {"access_type": "anonymous", "start": "2024-09-01T00:00:00Z", "end": "2034-09-01T00:00:00Z"}
    for place in range(6):
        plan = picture(
            f"contest/entry-{place + 1}",
            "jpg",
            _scene(place + 1, (720, 540)),
            folder="Events/Citizens' contest",
            display_name="My town",
        )
        asset = replace(plan.asset, tags=("contest", "2024"), moderation="manual" if place < 4 else None)
        yield replace(plan, asset=replace(asset, access_control=({"access_type": "token"}, term) if place > 2 else ()))


def oddities() -> Iterator[Plan]:
    """Every awkward asset."""
    for one in (_odd_ids, _two_spellings, _equal_ids, _copies, _odd_words, _restricted):
        yield from one()
