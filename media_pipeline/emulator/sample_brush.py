"""The brush that all drawn pictures of the sample library are made with.

Belongs here: shapes, light and lettering in one system of units.
Not here: what is drawn.

All lengths are hundredths of the picture's shorter side, so that a motif fits any shape of picture. Pictures
are drawn at twice their size and halved at the end, which is how Pillow's hard edges become smooth. Letters
come from the face that Pillow carries, so that no font of the machine changes a byte; it holds ASCII and the
middle dot, nothing else.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from media_pipeline.emulator.sample_drawing import Color, Size, gradient

Point = tuple[float, float]
Anchor = Literal["la", "ma", "ra", "lm", "mm", "rm"]

_SCALE = 2


def polar(x: float, y: float, angle: float, reach: float) -> Point:
    """The point ``reach`` away from (x, y), ``angle`` in radians clockwise from the right."""
    return x + math.cos(angle) * reach, y + math.sin(angle) * reach


@lru_cache(maxsize=1)
def _halo() -> Image.Image:
    return Image.radial_gradient("L").point([max(0, 255 - round(level * 1.42)) for level in range(256)])


@lru_cache(maxsize=128)
def _face(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType; install a wheel of Pillow from the package index")
    return font


class Brush:
    """One picture in the making; ``width`` and ``height`` are in units, (0, 0) is the top left corner."""

    def __init__(self, size: Size, *stops: Color) -> None:
        """A picture of ``size`` pixels, its ground flowing through the colours ``stops`` from top to bottom."""
        self._picture = gradient((size[0] * _SCALE, size[1] * _SCALE), stops)
        self._paint = ImageDraw.Draw(self._picture)
        self._unit = min(self._picture.size) / 100
        self.width, self.height = self._picture.width / self._unit, self._picture.height / self._unit

    def finish(self) -> Image.Image:
        """The picture at its size."""
        return self._picture.reduce(_SCALE)

    def _at(self, points: Iterable[Point]) -> list[Point]:
        return [(x * self._unit, y * self._unit) for x, y in points]

    def _box(self, x: float, y: float, reach: float) -> list[Point]:
        return self._at([(x - reach, y - reach), (x + reach, y + reach)])

    def _stroke(self, width: float) -> int:
        return max(1, round(width * self._unit))

    def rect(self, left: float, top: float, right: float, bottom: float, color: Color, *, radius: float = 0) -> None:
        """A rectangle; with ``radius`` its corners are round. Nothing if it has no area."""
        if right > left and bottom > top:
            box = self._at([(left, top), (right, bottom)])
            self._paint.rounded_rectangle(box, radius * self._unit, fill=color)

    def polygon(self, points: Iterable[Point], color: Color, *, edge: Color | None = None) -> None:
        """A filled shape, with a thin ``edge`` if wanted."""
        self._paint.polygon(self._at(points), fill=color, outline=edge, width=self._stroke(0.5))

    def line(self, points: Iterable[Point], color: Color, width: float) -> None:
        """A line through all points, at least one pixel wide."""
        self._paint.line(self._at(points), fill=color, width=self._stroke(width), joint="curve")

    def disc(self, x: float, y: float, reach: float, color: Color) -> None:
        """A filled circle."""
        self._paint.ellipse(self._box(x, y, reach), fill=color)

    def ring(self, x: float, y: float, reach: float, color: Color, width: float) -> None:
        """A circle's outline, ``width`` thick inwards."""
        self._paint.ellipse(self._box(x, y, reach), outline=color, width=self._stroke(width))

    def slice(self, x: float, y: float, reach: float, start: float, end: float, color: Color) -> None:
        """A slice of a circle between two angles in degrees, clockwise from the right."""
        self._paint.pieslice(self._box(x, y, reach), start, end, fill=color)

    def arc(self, x: float, y: float, reach: float, start: float, end: float, color: Color, width: float) -> None:
        """A part of a circle's outline, angles as in `slice`."""
        self._paint.arc(self._box(x, y, reach), start, end, fill=color, width=self._stroke(width))

    def glow(self, x: float, y: float, reach: float, color: Color, strength: float) -> None:
        """Light that falls around a point; ``strength`` is its opacity (0 to 1) in the middle."""
        side = max(2, round(reach * 2 * self._unit))
        mask = _halo().point([round(level * strength) for level in range(256)])
        mask = mask.resize((side, side), Image.Resampling.BILINEAR)
        self._picture.paste(color, (round(x * self._unit - side / 2), round(y * self._unit - side / 2)), mask)

    def wave(self, rng: random.Random, base: float, height: float, *, swings: float = 1.0) -> list[Point]:
        """A soft line of 161 points from edge to edge, ``height`` around ``base``, with about ``swings`` crests."""
        parts = [(rng.uniform(0.4, 1.0) / n, rng.uniform(0.7, 1.3) * n * swings, rng.random()) for n in (1, 2, 4)]
        weight = sum(part for part, _, _ in parts)
        line = []
        for step in range(161):
            share = step / 160
            rise = sum(part * math.sin(math.tau * (pace * share + start)) for part, pace, start in parts)
            line.append((self.width * share, base - height * rise / weight))
        return line

    def ground(self, line: Sequence[Point], color: Color, *, bottom: float | None = None) -> None:
        """Fill everything under a line, down to ``bottom`` or to the edge of the picture."""
        floor = self.height if bottom is None else bottom
        self.polygon([(line[0][0], floor), *line, (line[-1][0], floor)], color)

    def mirror(self, shore: float, near_shore: Color, at_bottom: Color) -> None:
        """Repeat what stands above ``shore`` upside down below it, blurred and tinted like water."""
        width, height = self._picture.size
        line = round(shore * self._unit)
        depth = height - line
        above = self._picture.crop((0, max(0, line - depth), width, line)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        blurred = above.resize((width // 8, depth // 3)).resize((width, depth), Image.Resampling.BILINEAR)
        tint = gradient((width, depth), (near_shore, at_bottom))
        self._picture.paste(Image.blend(blurred, tint, 0.5), (0, line))

    def place(self, picture: Image.Image, left: float, top: float, width: float, height: float) -> None:
        """Paste another picture into a box."""
        box = (round(width * self._unit), round(height * self._unit))
        enlarged = picture.resize(box, Image.Resampling.BILINEAR)
        self._picture.paste(enlarged, (round(left * self._unit), round(top * self._unit)))

    def pixels(self, width: float, height: float) -> Size:
        """How many pixels of the finished picture a box of units covers."""
        return round(width * self._unit / _SCALE), round(height * self._unit / _SCALE)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float,
        color: Color,
        *,
        anchor: Anchor = "ma",
        bold: bool = False,
        widest: float = math.inf,
    ) -> float:
        """Write one line, shrunk so that it is not wider than ``widest``, and return its size."""
        pixels = max(8, round(size * self._unit))
        length = _face(pixels).getlength(words)
        if length > widest * self._unit:
            pixels = max(8, int(pixels * widest * self._unit / length))
        stroke = max(1, pixels // 36) if bold else 0
        at = (x * self._unit, y * self._unit)
        self._paint.text(at, words, color, _face(pixels), anchor, stroke_width=stroke, stroke_fill=color)
        return pixels / self._unit

    def cut_out_disc(self) -> None:
        """Make everything outside the largest circle transparent."""
        width, height = self._picture.size
        shape = Image.new("L", (width, height), 0)
        ImageDraw.Draw(shape).ellipse((2, 2, width - 3, height - 3), fill=255)
        self._picture.putalpha(shape)
