"""Landscapes around Brackenhaven: hills, sea, gardens, market crates, the festival sky.

Belongs here: pictures without lettering and without houses, one function a motif; the sky all views share.
Not here: streets (sample_streets), anything printed with a title (sample_posters, sample_prints).

Every scene is called with (random source, size in pixels, palette) and draws the same picture for the same
three.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise

from PIL import Image

from media_pipeline.emulator.sample_brush import Brush, polar
from media_pipeline.emulator.sample_drawing import Color, Palette, Size, mix

Scene = Callable[[random.Random, Size, Palette], Image.Image]

_WHITE: Color = (255, 255, 255)


def sky(rng: random.Random, size: Size, palette: Palette) -> Brush:
    """A picture that has its sky: stars by night, sun or moon, a few clouds."""
    brush = Brush(size, *palette.sky)
    if palette.is_dark:
        for _ in range(70):
            shine = rng.random()
            color = mix(palette.sky[0], _WHITE, 0.35 + shine * 0.6)
            brush.disc(
                rng.random() * brush.width,
                rng.random() ** 1.6 * brush.height * 0.6,
                0.12 + shine * 0.2,
                color,
            )
    x, y = rng.uniform(0.15, 0.85) * brush.width, rng.uniform(0.14, 0.34) * brush.height
    brush.glow(x, y, rng.uniform(32, 44), palette.light, 0.75)
    brush.disc(x, y, rng.uniform(5, 8), palette.light)
    for _ in range(rng.randint(1, 4)):
        at = rng.random() * brush.width, rng.uniform(0.08, 0.42) * brush.height
        _cloud(brush, rng, *at, rng.uniform(6, 13), palette)
    return brush


def _cloud(brush: Brush, rng: random.Random, x: float, y: float, reach: float, palette: Palette) -> None:
    color = mix(palette.sky[2], palette.light, 0.35 if palette.is_dark else 0.75)
    for step in (-1.5, -0.7, 0.1, 0.9, 1.6):
        swell = reach * (0.55 - abs(step) * 0.2 + rng.random() * 0.12)
        brush.disc(x + step * reach * 0.7, y - swell * 0.55, swell, color)
    brush.rect(x - reach * 1.7, y - reach * 0.22, x + reach * 1.8, y + reach * 0.16, color, radius=reach * 0.19)


def birds(brush: Brush, rng: random.Random, color: Color) -> None:
    """A small flock in the upper half."""
    x, y = rng.uniform(0.15, 0.75) * brush.width, rng.uniform(0.15, 0.35) * brush.height
    for _ in range(rng.randint(3, 7)):
        span, left, top = rng.uniform(0.8, 1.4), x + rng.gauss(0, 8), y + rng.gauss(0, 4)
        brush.arc(left - span, top, span, 200, 340, color, 0.35)
        brush.arc(left + span, top, span, 200, 340, color, 0.35)


def boat(brush: Brush, rng: random.Random, x: float, y: float, reach: float, palette: Palette) -> None:
    """A sailing boat, its hull ``reach`` to either side of x."""
    sail = mix(palette.paper, rng.choice(palette.accents), 0.15)
    mast, boom = x - reach * 0.1, y - reach * 0.12
    hull = [
        (x - reach, y),
        (x + reach, y),
        (x + reach * 0.65, y + reach * 0.35),
        (x - reach * 0.7, y + reach * 0.35),
    ]
    brush.polygon(hull, rng.choice(palette.accents[:3]))
    brush.polygon([(mast, y - reach * 1.9), (mast, boom), (x + reach * 0.85, boom)], sail)
    brush.polygon([(mast, y - reach * 1.5), (mast, boom), (x - reach * 0.75, boom)], mix(sail, palette.ink, 0.15))
    brush.line([(mast, y - reach * 2), (mast, y)], palette.ink, reach * 0.06)


def _tree(brush: Brush, rng: random.Random, x: float, y: float, reach: float, color: Color, *, is_fir: bool) -> None:
    trunk = mix(color, (40, 24, 20), 0.5)
    brush.rect(x - reach * 0.08, y - reach * 0.7, x + reach * 0.08, y + reach * 0.1, trunk)
    if not is_fir:
        for _ in range(4):
            left, top = x + rng.gauss(0, reach * 0.2), y - reach * rng.uniform(0.9, 1.5)
            brush.disc(left, top, reach * rng.uniform(0.4, 0.55), color)
        return
    for step in range(3):
        top, half = y - reach * (2.1 - step * 0.5), reach * (0.35 + step * 0.17)
        brush.polygon([(x, top), (x - half, top + reach * 0.85), (x + half, top + reach * 0.85)], color)


def _ridges(rng: random.Random, size: Size, palette: Palette) -> Brush:
    brush = sky(rng, size, palette)
    is_fir = rng.random() < 0.5
    far = mix(palette.layers[0], palette.sky[-1], 0.4)
    for depth in range(5):
        color = mix(far, palette.layers[3], depth / 4)
        line = brush.wave(rng, brush.height * (0.46 + depth * 0.12), 11 - depth, swings=0.6 + depth * 0.15)
        brush.ground(line, color)
        if depth >= 2:
            for x, y in rng.sample(line, k=8 + depth * 3):
                reach = (1.5 + depth * 0.9) * rng.uniform(0.7, 1.3)
                _tree(brush, rng, x, y, reach, mix(color, palette.ink, 0.3), is_fir=is_fir)
    birds(brush, rng, palette.ink)
    return brush


def hills(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """Fernhill in layers, with trees on the near ones."""
    return _ridges(rng, size, palette).finish()


def snowfall(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """The hills on the first day of snow."""
    brush = _ridges(rng, size, palette)
    for _ in range(220):
        brush.disc(rng.random() * brush.width, rng.random() * brush.height, 0.2 + rng.random() * 0.55, _WHITE)
    return brush.finish()


def lighthouse(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """Tern Rock light over rolling water."""
    brush = sky(rng, size, palette)
    horizon = brush.height * rng.uniform(0.55, 0.62)
    brush.rect(0, horizon, brush.width, brush.height, palette.layers[0])
    for _ in range(rng.randint(2, 4)):
        boat(
            brush,
            rng,
            rng.random() * brush.width,
            horizon + rng.uniform(0, 3),
            rng.uniform(1.6, 3.4),
            palette,
        )
    x, foot = brush.width * rng.choice((0.28, 0.66, 0.74)), horizon + 8
    top = foot - 44
    brush.glow(x, top - 3, 26, palette.light, 0.7)
    cliff = [
        (-21.0, 14.0),
        (-17.0, 3.0),
        (-10.0, 2.0),
        (-7.0, -2.0),
        (8.0, -3.0),
        (12.0, 3.0),
        (19.0, 5.0),
        (24.0, 14.0),
    ]
    brush.polygon([(x + left, foot + fall) for left, fall in cliff], mix(palette.layers[3], palette.ink, 0.25))
    for part in range(6):
        upper, lower = part / 6, (part + 1) / 6
        wide, wider = 2.8 + 2.4 * upper, 2.8 + 2.4 * lower
        band = [(x - wide, top + 44 * upper), (x + wide, top + 44 * upper), (x + wider, top + 44 * lower)]
        brush.polygon([*band, (x - wider, top + 44 * lower)], palette.paper if part % 2 else palette.accents[0])
    brush.rect(x - 4, top - 0.8, x + 4, top + 0.6, palette.ink)
    brush.rect(x - 2.2, top - 5, x + 2.2, top - 0.8, palette.light)
    brush.polygon([(x - 3, top - 5), (x, top - 8.5), (x + 3, top - 5)], palette.accents[0])
    for depth in range(5):
        share = (depth + 1) / 5
        base = horizon + 5 + (brush.height - horizon - 8) * share * 0.9
        line = brush.wave(rng, base, 1 + share * 1.6, swings=2)
        brush.ground(line, mix(palette.layers[1], palette.layers[3], share))
        brush.line(line, mix(palette.layers[1], palette.paper, 0.55 - share * 0.35), 0.5)
    return brush.finish()


def lanterns(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """Paper lanterns rising over the bay."""
    brush = sky(rng, size, palette)
    brush.ground(brush.wave(rng, brush.height * 0.86, 6), palette.layers[2])
    brush.ground(brush.wave(rng, brush.height * 0.94, 4), palette.layers[3])
    for nearness in sorted(rng.random() for _ in range(26)):
        reach = 1.2 + 5.5 * nearness**2
        x, y = rng.random() * brush.width, rng.uniform(0.06, 0.84) * brush.height
        color = mix(rng.choice(palette.accents[:3]), palette.light, 0.3)
        brush.glow(x, y, reach * 3.2, color, 0.42)
        brush.rect(x - reach, y - reach * 1.25, x + reach, y + reach * 1.25, color, radius=reach * 0.6)
        flame = reach * 0.45
        brush.rect(x - flame, y - flame, x + flame, y + reach * 1.1, palette.light, radius=reach * 0.4)
        brush.rect(x - flame, y + reach * 1.15, x + flame, y + reach * 1.4, mix(color, palette.ink, 0.5))
    return brush.finish()


def flowers(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """A bed in the Glasshouse, seen from close by."""
    brush = Brush(size, palette.sky[2], palette.layers[0], palette.layers[2])
    for _ in range(9):
        color = mix(rng.choice(palette.accents), palette.light, 0.3)
        brush.glow(rng.random() * brush.width, rng.random() * brush.height, rng.uniform(8, 22), color, 0.35)
    blooms = [(rng.uniform(0.15, 0.92), rng.random()) for _ in range(15)]
    for depth, across in sorted(blooms):
        x, y, reach = across * brush.width, depth * brush.height, (5 + 9 * depth) * rng.uniform(0.7, 1.2)
        stem = mix(palette.layers[2], palette.layers[3], rng.random())
        brush.line([(x, y), (x + reach * rng.uniform(-0.4, 0.4), brush.height)], stem, reach * 0.12)
        color, petals, turn = rng.choice(palette.accents), rng.choice((6, 8, 11)), rng.random()
        for petal in range(petals):
            angle = math.tau * (petal + turn) / petals
            tint = mix(color, palette.light if petal % 2 else palette.ink, 0.12)
            brush.disc(*polar(x, y, angle, reach * 0.62), reach * 2.1 / petals, tint)
            brush.line([(x, y), polar(x, y, angle, reach * 0.7)], tint, reach * 0.25)
        brush.disc(x, y, reach * 0.3, mix(palette.light, (214, 140, 20), 0.55))
    return brush.finish()


def market(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """Crates of fruit in the Saltmarket, from above."""
    brush = Brush(size, mix(palette.ink, (120, 84, 52), 0.5))
    columns = max(3, round(brush.width / brush.height * 3))
    side = brush.width / columns
    fruit = (*palette.accents, (214, 64, 69), (243, 156, 18), (130, 180, 70), (112, 62, 120))
    for crate in range(columns * math.ceil(brush.height / side)):
        left, top = crate % columns * side, crate // columns * side
        wood = mix((176, 128, 82), palette.paper, rng.uniform(0, 0.25))
        brush.rect(left + side * 0.03, top + side * 0.03, left + side * 0.97, top + side * 0.97, wood)
        inside = mix(wood, (30, 20, 14), 0.6)
        brush.rect(left + side * 0.09, top + side * 0.09, left + side * 0.91, top + side * 0.91, inside)
        color, count = rng.choice(fruit), rng.choice((3, 4, 5))
        step = side * 0.82 / count
        for place in range(count * count):
            x, y = (
                left + side * 0.09 + (place % count + 0.5) * step,
                top + side * 0.09 + (place // count + 0.5) * step,
            )
            shade = mix(color, palette.ink, rng.uniform(0, 0.22))
            brush.disc(x, y, step * 0.5, shade)
            brush.disc(x - step * 0.14, y - step * 0.16, step * 0.16, mix(shade, _WHITE, 0.45))
    return brush.finish()


def fields(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """The allotments and the river from the survey aeroplane."""
    brush = Brush(size, palette.layers[1])
    rows = [brush.wave(rng, brush.height * row, 5) for row in (-0.08, 0.12, 0.3, 0.52, 0.7, 0.9, 1.12)]
    colors = (*palette.layers, *palette.accents[:2], palette.light)
    for upper, lower in pairwise(rows):
        cuts = sorted({0, 160, *rng.sample(range(5, 155), k=6)})
        for start, end in pairwise(cuts):
            crop = mix(rng.choice(colors), palette.layers[1], 0.45)
            outline = [*upper[start : end + 1], *reversed(lower[start : end + 1])]
            brush.polygon(outline, crop, edge=palette.paper)
            for furrow in range(start + 1, end, 2):
                brush.line([upper[furrow], lower[furrow]], mix(crop, palette.ink, 0.14), 0.3)
    river = brush.wave(rng, brush.height * 0.45, 16)
    brush.line(river, mix(palette.sky[0], palette.paper, 0.5), 8)
    brush.line(river, palette.sky[1], 6)
    for _ in range(26):
        x, y = rng.random() * brush.width, rng.random() * brush.height
        brush.disc(x + 1, y + 1, 1.5, mix(palette.layers[3], palette.ink, 0.4))
        brush.disc(x, y, 1.5, palette.layers[3])
    return brush.finish()
