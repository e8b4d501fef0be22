"""The sample library: what the media office of the invented town of Brackenhaven keeps in Cloudinary.

Belongs here: the whole library as a sequence, its metadata fields, and what outsiders do to it later.
Not here: how a picture, film or document is made (the other sample modules); putting it into an emulator.

The library is the same on every run, byte for byte, as long as Pillow, PyAV and Python stay the same. It
needs no network and no font of the machine. Nothing in it exceeds a limit of Cloudinary.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from media_pipeline.emulator.sample_asset import (
    Address,
    DeliveryType,
    MetadataValue,
    ResourceType,
    SampleAsset,
)
from media_pipeline.emulator.sample_designs import designs
from media_pipeline.emulator.sample_drawing import PALETTES, encode
from media_pipeline.emulator.sample_files import files
from media_pipeline.emulator.sample_oddities import oddities
from media_pipeline.emulator.sample_plan import Plan, picture
from media_pipeline.emulator.sample_posters import badge, travel_poster
from media_pipeline.emulator.sample_series import series
from media_pipeline.emulator.sample_streets import fireworks, waterfront
from media_pipeline.emulator.sample_town import METADATA_FIELDS, SEED

__all__ = [
    "Address",
    "ChangeContext",
    "ChangeDisplayName",
    "ChangeMetadata",
    "ChangeTags",
    "Delete",
    "DeliveryType",
    "MetadataValue",
    "Move",
    "OutsiderChange",
    "Overwrite",
    "Plan",
    "Rename",
    "ResourceType",
    "SampleAsset",
    "UploadNew",
    "assets",
    "metadata_fields",
    "outsider_changes",
    "plans",
]


@dataclass(frozen=True, slots=True)
class UploadNew:
    """An asset that was not there before."""

    asset: SampleAsset


@dataclass(frozen=True, slots=True)
class Overwrite:
    """Other bytes under the same name."""

    address: Address
    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ChangeTags:
    """Tags put on and taken off; ``remove`` names tags the asset has."""

    address: Address
    add: tuple[str, ...]
    remove: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """Context pairs merged into those that are there."""

    address: Address
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChangeMetadata:
    """Values of structured metadata fields; other fields stay."""

    address: Address
    metadata: Mapping[str, MetadataValue]


@dataclass(frozen=True, slots=True)
class ChangeDisplayName:
    """Another name on show; the public_id stays."""

    address: Address
    display_name: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Another public_id; the asset stays the same asset."""

    address: Address
    to_public_id: str


@dataclass(frozen=True, slots=True)
class Move:
    """Another folder, which need not exist yet."""

    address: Address
    asset_folder: str


@dataclass(frozen=True, slots=True)
class Delete:
    """The asset goes away."""

    address: Address


OutsiderChange = (
    UploadNew | Overwrite | ChangeTags | ChangeContext | ChangeMetadata | ChangeDisplayName | Rename | Move | Delete
)

_EMBLEM = Address("image", "upload", "logos/brackenhaven-emblem")
_POSTER = Address("image", "upload", "posters/lantern-festival")
_DAWN = Address("image", "upload", "views/lantern-quay-at-dawn")
_PLATE = Address("image", "upload", "museum/plate.107")
_MAYOR = Address("image", "upload", "people/Amara Okonkwo-Lindqvist")
_SLIDE = Address("image", "upload", "slides/box-07-01")
_CHART = Address("image", "upload", "statistics/visitors-of-the-museum")
_LEAVING = (
    Address("image", "upload", "events/lantern-festival/2024/IMG_4036"),
    Address("video", "upload", "sounds/tram-chime"),
    Address("raw", "upload", "open-data/trees.csv"),
)
_CHANGED_LATER = frozenset({_EMBLEM, _POSTER, _DAWN, _PLATE, _MAYOR, _SLIDE, _CHART, *_LEAVING})


def metadata_fields() -> list[dict[str, object]]:
    """Bodies for ``POST /metadata_fields``, to be sent before the first upload; yours to change."""
    return [copy.deepcopy(field) for field in METADATA_FIELDS]


def plans() -> list[Plan]:
    """The library before its bytes are made: enough for names and words, and quick.

    The order is mixed, always in the same way, so that any first part has something of everything.
    """
    planned = sorted((*series(), *designs(), *files(), *oddities()), key=lambda plan: plan.asset.address)
    random.Random(SEED).shuffle(planned)
    return sorted(planned, key=lambda plan: plan.asset.address not in _CHANGED_LATER)


def assets(count: int | None = None) -> Iterator[SampleAsset]:
    """The library in a fixed, mixed order; bytes are made one asset at a time.

    The assets that `outsider_changes` names come first, so that ten or more are enough for them.

    Args:
        count: how many from the start; None for all.

    Raises:
        ValueError: the library has fewer than ``count`` assets, or ``count`` is negative.
    """
    planned = plans()
    if count is not None and not 0 <= count <= len(planned):
        raise ValueError(f"the sample library has {len(planned)} assets, not {count}; ask for 0 to {len(planned)}")
    return (plan.make() for plan in islice(planned, count))


def outsider_changes() -> list[OutsiderChange]:
    """What others do to the library behind our back, in an order in which it can be done."""
    finale = picture(
        "press/2024/finale over the harbour",
        "jpg",
        lambda rng: fireworks(rng, (1200, 800), PALETTES["night"]),
        folder="Mayor's Office/Press/2024/June/Lantern Festival",
        display_name="Finale over the harbour",
    ).make()
    thanks = picture(
        "posters/thank-you",
        "webp",
        lambda rng: travel_poster(rng, (720, 1020), PALETTES["dusk"], waterfront, "Thank you", "See you next June"),
        folder="Tourism/Posters/2024",
        display_name="Thank you",
    ).make()
    emblem = badge(random.Random(f"{SEED}/new emblem"), (512, 512), PALETTES["autumn"], "BH")
    return [
        UploadNew(finale),
        UploadNew(thanks),
        Overwrite(_EMBLEM, "brackenhaven-emblem-2025.png", encode("png", [emblem])),
        ChangeTags(_POSTER, add=("sold out", "祭り"), remove=("print",)),
        ChangeContext(
            _DAWN,
            {"alt": "Painted houses mirrored in the harbour at sunrise", "caption": "Cover | issue = June"},
        ),
        ChangeMetadata(_PLATE, {"licence": "cc_by_4", "approval_state": "approved", "audience": ["press", "schools"]}),
        ChangeDisplayName(_MAYOR, "The mayor, official portrait 2025"),
        Rename(_SLIDE, "archive/1964/regatta off the quay"),
        Move(_CHART, "Statistics/Yearbook 2025/Drafts"),
        *(Delete(address) for address in _LEAVING),
    ]
