"""The bulk generator: any number of assets, always the same ones for the same plan, with fictional bytes.

Belongs here: making up assets and inserting them fast. Not here: the sample library with real pictures.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import time
from collections.abc import Iterator

import msgspec

from media_pipeline.emulator import assets, folders, metadata_fields
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import ApiError
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.params import Params

# Share of each slice in a thousand.
_SLICES = (
    [("image", "upload")] * 690 + [("image", "private")] * 40 + [("image", "authenticated")] * 40
    + [("video", "upload")] * 120 + [("video", "private")] * 15 + [("video", "authenticated")] * 15
    + [("raw", "upload")] * 60 + [("raw", "private")] * 10 + [("raw", "authenticated")] * 10
)  # fmt: skip
_AREAS = ("catalogue", "campaigns", "editorial", "Märkte", "press", "取引先")
_THEMES = ("shoes", "coats", "Straßen und Plätze", "été 2024", "portraits", "packaging", "kitchen")
_WORDS = (
    "amber", "birch", "canyon", "dune", "ember", "fjord", "glacier", "harbour", "island", "jasmine", "kelp",
    "lagoon", "meadow", "nectar", "ocean", "prairie", "quartz", "river", "summit", "tundra", "Übergröße",
    "völlig neu", "señal", "naïve", "東京", "москва",
)  # fmt: skip
_ADJECTIVES = ("red", "quiet", "wide", "early", "golden", "soft", "north", "bright", "late", "small")
_FORMATS = {"image": ("jpg", "jpg", "jpg", "png", "webp", "gif"), "video": ("mp4", "mp4", "mov", "mp3")}
_RAW_EXTENSIONS = ("pdf", "docx", "csv", "zip")
_FIELDS: tuple[Document, ...] = (
    {"external_id": "sku", "type": "string", "label": "SKU"},
    {"external_id": "in_stock", "type": "integer", "label": "In stock"},
    {"external_id": "released", "type": "date", "label": "Released"},
    {"external_id": "season", "type": "enum", "label": "Season", "datasource": {"values": [
        {"external_id": name, "value": name.capitalize()} for name in ("spring", "summer", "autumn", "winter")]}},
    {"external_id": "colours", "type": "set", "label": "Colours", "datasource": {"values": [
        {"external_id": f"c{n}", "value": name} for n, name in enumerate(("red", "green", "blue", "black"))]}},
)  # fmt: skip
_FIRST_SECOND = 1_672_531_200  # 2023-01-01
_SPAN_SECONDS = 2 * 365 * 86_400
_BATCH = 5_000
_BATCHES_PER_PART = 10
_ASSETS_PER_FOLDER = 400


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to generate: assets number `first` to `first` + `count` of the series `seed`.

    The same numbers of one series always are the same assets, whatever else a plan holds.
    """

    count: int
    seed: int = 1
    first: int = 0


class Generated(msgspec.Struct, frozen=True):
    """What a plan made, and how long it took."""

    assets: int
    seconds: float


def generate(library: Library, plan: Plan) -> Generated:
    """Insert a plan's assets, their folders and metadata fields, 50,000 assets in a transaction.

    Raises:
        ApiError: 409 if assets of the plan are there already; nothing was inserted then.
    """
    started = time.perf_counter()
    _define_fields(library)
    try:
        with library.store.write() as db:
            if _exists(db, plan):
                raise ApiError(409, f"Assets from number {plan.first} of series {plan.seed} exist: raise 'first'")
            _insert(library, db, plan)
    except sqlite3.IntegrityError:
        raise ApiError(409, f"Another asset has a name of series {plan.seed}: choose another 'seed'") from None
    library.store.truncate_journal()
    return Generated(plan.count, time.perf_counter() - started)


def _exists(db: sqlite3.Connection, plan: Plan) -> bool:
    """Whether any asset of a plan is there."""
    if db.execute("SELECT 1 FROM asset LIMIT 1").fetchone() is None:
        return False
    for offset in range(0, plan.count, _BATCH):
        planned = [
            _identity(plan.seed, plan.first + number)[:32] for number in range(offset, min(offset + _BATCH, plan.count))
        ]
        found = db.execute(
            "SELECT 1 FROM json_each(?) AS planned JOIN asset ON asset.asset_id = planned.value LIMIT 1",
            (msgspec.json.encode(planned).decode(),),
        )
        if found.fetchone() is not None:
            return True
    return False


def _identity(seed: int, number: int) -> str:
    """Three times 32 hexadecimal digits: asset id, version id, etag."""
    return hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=48).hexdigest()


def _insert(library: Library, db: sqlite3.Connection, plan: Plan) -> None:
    (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM asset").fetchone()
    known: dict[str, str] = {}
    for offset in range(0, plan.count, _BATCH):
        batch = list(_made_up(plan, offset, min(offset + _BATCH, plan.count)))
        for asset in batch:
            if asset.asset_folder not in known:
                known[asset.asset_folder] = folders.ensure(db, asset.asset_folder, asset.created_at)
            asset.asset_folder = known[asset.asset_folder]
        assets.insert_many(db, batch, last + 1 + offset, library.documents)
        if (offset // _BATCH + 1) % _BATCHES_PER_PART == 0:
            library.store.commit_part(db)


def _define_fields(library: Library) -> None:
    with library.store.read() as db:
        known = metadata_fields.definitions(db)
    for definition in _FIELDS:
        if definition["external_id"] not in known:
            metadata_fields.create(library, Params(definition))


def _made_up(plan: Plan, start: int, end: int) -> Iterator[Asset]:
    chance = random.Random()
    for number in range(plan.first + start, plan.first + end):
        chance.seed(plan.seed << 40 | number)
        yield _asset(chance, plan.seed, number)


def _asset(chance: random.Random, seed: int, number: int) -> Asset:
    pick = chance.choice
    resource_type, type_ = _SLICES[chance.randrange(1000)]
    identity = _identity(seed, number)
    # Ten minutes apart, wrapping around: a plan never reaches into the future.
    created_at = _FIRST_SECOND + number * 600 % _SPAN_SECONDS
    uploaded_at = created_at if chance.random() < 0.9 else created_at + chance.randrange(1, 5_000_000)
    folder = f"{pick(_AREAS)}/{pick(_THEMES)}/{number // _ASSETS_PER_FOLDER:04d}"
    title = f"{pick(_ADJECTIVES)} {pick(_WORDS)}"
    name = f"{title.replace(' ', '-') if chance.random() < 0.8 else title}-{seed}-{number:07d}"
    asset = Asset(
        asset_id=identity[:32],
        resource_type=resource_type,
        type=type_,
        public_id=f"{folder}/{name}" if chance.random() < 0.5 else name,
        created_at=created_at,
        uploaded_at=uploaded_at,
        version=uploaded_at,
        version_id=identity[32:64],
        etag=identity[64:],
        bytes=int(10 ** chance.uniform(3.5, 7.2)),
        asset_folder=folder,
        display_name=title,
        original_filename=name,
    )
    _give_form(chance, asset)
    asset.touch(uploaded_at, "public_id")
    if chance.random() < 0.7:
        asset.tags = list(
            dict.fromkeys(f"{pick(_WORDS)}-{chance.randrange(12)}" for _ in range(chance.randrange(1, 6)))
        )
        asset.touch(uploaded_at, "tags")
    if chance.random() < 0.4:
        asset.context = {
            "alt": f"{title}, seen from {pick(_AREAS)}",
            "caption": f"{title} = {number} | {pick(_THEMES)}",
        }
        asset.touch(uploaded_at, "context")
    if chance.random() < 0.5:
        asset.metadata = {"sku": f"SKU-{number:08d}", "in_stock": chance.randrange(1000)}
        if chance.random() < 0.5:
            asset.metadata |= {
                "season": pick(("spring", "summer", "autumn", "winter")),
                "colours": ["c1", "c3"],
            }
        asset.touch(uploaded_at, "metadata")
    if type_ == "authenticated" and chance.random() < 0.3:
        asset.access_control = [{"access_type": "token"}]
        asset.touch(uploaded_at, "access_control")
    return asset


def _give_form(chance: random.Random, asset: Asset) -> None:
    if asset.resource_type == "raw":
        asset.public_id += f".{chance.choice(_RAW_EXTENSIONS)}"
        return
    asset.format = chance.choice(_FORMATS[asset.resource_type])
    if asset.format != "mp3":
        asset.width, asset.height = chance.choice(((1920, 1080), (1200, 1600), (3840, 2160), (640, 640)))
    if asset.resource_type == "image":
        asset.pages = 1
    else:
        asset.duration = round(chance.uniform(1, 300), 3)
        asset.media = {"audio": {}, "video": {}, "is_audio": asset.format == "mp3"}
