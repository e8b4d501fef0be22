"""The paint box of the sample library: colours, the light of an hour, paper grain, and file formats.

Belongs here: what several kinds of picture share, and how a finished picture becomes the bytes of a file.
Not here: drawing (sample_brush), what a picture shows (sample_scenes, sample_streets, sample_prints, …).
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

Color = tuple[int, int, int]
Size = tuple[int, int]

_PRINTED_AT = time.struct_time((2024, 6, 25, 8, 58, 23, 1, 177, 0))
_GRAIN_PX = 192


def rgb(code: str) -> Color:
    """Read ``"f4d03f"`` as a colour."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(first: Color, second: Color, share: float) -> Color:
    """The colour that lies ``share`` (0 to 1) of the way from ``first`` to ``second``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Palette:
    """The light of one hour: ``sky`` from top to horizon, ``layers`` from far to near (four of them)."""

    sky: tuple[Color, ...]
    layers: tuple[Color, ...]
    accents: tuple[Color, ...]
    light: Color
    ink: Color
    paper: Color
    is_dark: bool = False


def _palette(sky: str, layers: str, accents: str, light_ink_paper: str, *, is_dark: bool = False) -> Palette:
    groups = [tuple(rgb(code) for code in codes.split()) for codes in (sky, layers, accents)]
    light, ink, paper = (rgb(code) for code in light_ink_paper.split())
    return Palette(groups[0], groups[1], groups[2], light, ink, paper, is_dark)


PALETTES: dict[str, Palette] = {
    "dawn": _palette(
        "5b6fa8 a98cc0 f3a6a0 ffd9a8",
        "c58a9c 9a6a8c 6d4d78 43355c",
        "ff8c61 ffd166 5c7cfa f25f5c f7e1d7",
        "fff1c9 2f2644 fbf1e6",
    ),
    "noon": _palette(
        "3fa9d9 7cc9ea c3e7f2 f3f6ea",
        "9cc9c4 6fae9b 3f8a78 24635f",
        "f25f5c ffe066 247ba0 70c1b3 ffffff",
        "fff7d1 17394a f7f5ec",
    ),
    "dusk": _palette(
        "2b2d5b 6b3f7d c7566f f59e62",
        "8f4a6e 65365f 432852 291d3d",
        "ffb347 ff6f59 f9dc5c 43aa8b e0fbfc",
        "ffe29a 1d1631 fdf0e3",
        is_dark=True,
    ),
    "night": _palette(
        "0b1033 141c4f 2a3573 4d5a9c",
        "333f7a 242d60 182048 0d1430",
        "ffd166 06d6a0 ef476f 8ecae6 ff9f1c",
        "ffefb0 080d24 eef0fb",
        is_dark=True,
    ),
    "mist": _palette(
        "9fb4bd b9cacd d3ddd9 e9ebe2",
        "b3c2c0 8fa5a6 6b8589 476067",
        "d98f5c 5c7f8a c4a35a a8505a f1ede0",
        "fdfaf0 2c3e44 f5f4ee",
    ),
    "autumn": _palette(
        "7fa3b5 b8c4b8 ecd4a4 f8e3bd",
        "d99b54 c0703c 8f4a2e 5b3326",
        "d1495b edae49 66a182 00798c f4e9cd",
        "fff3d0 3a241d fbf4e4",
    ),
    "spring": _palette(
        "8fcbe8 bfe3ec e4f3e0 fbf7dd",
        "b6d7a0 8cc084 5b9e6f 347457",
        "ff99c8 fcf6bd f28482 a9def9 e4c1f9",
        "fffbe0 1f4238 fbfaf0",
    ),
    "winter": _palette(
        "6e8fb5 9db7d1 cddbe6 f0f1ef",
        "b9cad9 94abc4 6a84a5 3f5779",
        "c44536 e9c46a 2a9d8f 8d99ae ffffff",
        "ffffff 22324b f6f8fa",
    ),
    "lagoon": _palette(
        "0f6a7d 2f9fa3 8fd3c0 f6efc9",
        "5fb0a0 31868a 1c5f6e 103f52",
        "ff7f50 ffcb69 ef5d60 f7fff7 5eead4",
        "fff4c2 0c3140 f5f7ee",
    ),
}


def gradient(size: Size, stops: Sequence[Color]) -> Image.Image:
    """Evenly spaced colours flowing into each other, downwards."""
    strip = Image.new("RGB", (1, len(stops)))
    strip.putdata(list(stops))
    return strip.resize((1, size[1]), Image.Resampling.BICUBIC).resize(size, Image.Resampling.NEAREST)


def grain(picture: Image.Image, rng: random.Random, strength: float) -> Image.Image:
    """The picture with paper grain; ``strength`` 0 to 1."""
    # Pillow's own noise takes the C library's random numbers, which no seed of ours reaches.
    tile = Image.frombytes("L", (_GRAIN_PX, _GRAIN_PX), rng.randbytes(_GRAIN_PX**2))
    paper = Image.new("L", picture.size)
    for x in range(0, picture.width, _GRAIN_PX):
        for y in range(0, picture.height, _GRAIN_PX):
            paper.paste(tile, (x, y))
    return Image.blend(picture, paper.convert(picture.mode), strength)


def vignette(picture: Image.Image, color: Color, strength: float) -> None:
    """Tint the corners."""
    mask = Image.radial_gradient("L").point([round(level * level / 255 * strength) for level in range(256)])
    picture.paste(color, (0, 0), mask.resize(picture.size, Image.Resampling.BILINEAR))


# Settings a format is written with. PNG and WebP trade a little size for speed.
_SAVING: dict[str, dict[str, object]] = {
    "jpg": {"format": "JPEG", "quality": 86},
    "png": {"format": "PNG", "compress_level": 3},
    "webp": {"format": "WEBP", "quality": 82, "method": 1},
    "gif": {"format": "GIF"},
    "bmp": {"format": "BMP"},
    "tiff": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
    "ico": {"format": "ICO", "sizes": [(16, 16), (32, 32), (48, 48), (64, 64)]},
    "pdf": {"format": "PDF", "creationDate": _PRINTED_AT, "modDate": _PRINTED_AT, "resolution": 110.0},
}


def encode(format_name: str, pictures: Sequence[Image.Image], **settings: object) -> bytes:
    """The bytes of a file of one picture, or of several: frames of a GIF or WebP, pages of a TIFF or PDF.

    Args:
        format_name: the extension Cloudinary reports: jpg, png, webp, gif, bmp, tiff, ico or pdf.
        settings: what Pillow's writer of that format takes besides, such as ``duration``.
    """
    buffer = io.BytesIO()
    first, *others = pictures
    options = {**_SAVING[format_name], **settings}
    if others:
        options |= {"save_all": True, "append_images": others}
    save: Callable[..., None] = first.save
    save(buffer, **options)
    return buffer.getvalue()
