"""How an asset of the sample library is planned, before its bytes are made.

Belongs here: the plan, and the ways to write one down.
Not here: which assets there are (sample_series, sample_designs, sample_files, sample_oddities).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from media_pipeline.emulator.sample_asset import DeliveryType, SampleAsset
from media_pipeline.emulator.sample_drawing import PALETTES, encode
from media_pipeline.emulator.sample_town import SEED, described

Draw = Callable[[random.Random], bytes]
Picture = Callable[[random.Random], Image.Image]


@dataclass(frozen=True, slots=True)
class Plan:
    """An asset whose bytes are not made yet.

    Attributes:
        asset: everything but the bytes.
        draw: makes the bytes from a source of random numbers.
        seed: two plans with the same draw and the same seed make the same bytes.
    """

    asset: SampleAsset
    draw: Draw
    seed: str

    def make(self) -> SampleAsset:
        """The asset with its bytes."""
        return replace(self.asset, content=self.draw(random.Random(self.seed)))


def slug(text: str) -> str:
    """A lower-case id part: words joined by hyphens, other characters as they are."""
    return "-".join(text.lower().replace(",", "").split())


def picture(
    public_id: str,
    file_format: str,
    draw: Picture,
    *,
    folder: str = "",
    display_name: str | None = None,
    delivery_type: DeliveryType = "upload",
    file_name: str | None = None,
) -> Plan:
    """A plan for one picture; its seed is its id, so ids decide how pictures look."""

    def encoded(rng: random.Random) -> bytes:
        return encode(file_format, [draw(rng)])

    name = file_name or f"{public_id.rsplit('/', 1)[-1]}.{file_format}"
    asset = SampleAsset(name, b"", "image", delivery_type, public_id, folder, display_name)
    return Plan(asset, encoded, f"{SEED}/{public_id}")


def with_words(plan: Plan, subject: str, tags: tuple[str, ...], year: int) -> Plan:
    """The plan, its asset described by `sample_town.described`."""
    return Plan(described(plan.asset, random.Random(f"{plan.seed}/words"), subject, tags, year), plan.draw, plan.seed)


def drawn(draw: Callable[..., Image.Image], size: tuple[int, int], palette: str, *details: object) -> Picture:
    """The picture that a scene or print function makes of a size, the name of a palette and its own details."""
    return lambda rng: draw(rng, size, PALETTES[palette], *details)
