"""Streets of Brackenhaven: the quay, the roofs, the tram, fireworks over the harbour.

Belongs here: scenes with houses, one function a motif, called like those of sample_scenes.
Not here: landscapes (sample_scenes).
"""

from __future__ import annotations

import math
import random

from PIL import Image

from media_pipeline.emulator.sample_brush import Brush, polar
from media_pipeline.emulator.sample_drawing import Color, Palette, Size, mix
from media_pipeline.emulator.sample_scenes import birds, boat, sky

_SHADE: Color = (20, 16, 30)


def _roof(brush: Brush, rng: random.Random, left: float, top: float, right: float, wall: Color, roof: Color) -> None:
    width, middle = right - left, (left + right) / 2
    match rng.choice(("gable", "gable", "steps", "spire", "dome", "flat")):
        case "gable":
            chimney = left + width * rng.choice((0.2, 0.7))
            brush.polygon([(left - 1, top), (middle, top - width * 0.6), (right + 1, top)], roof)
            brush.rect(chimney, top - width * 0.5, chimney + width * 0.12, top, roof)
        case "steps":
            for inset, rise in ((0.0, 0.18), (0.18, 0.36), (0.36, 0.5)):
                brush.rect(left + width * inset, top - width * rise, right - width * inset, top, wall)
        case "spire":
            half, eaves = width * 0.28, top - width * 0.7
            brush.rect(middle - half, eaves, middle + half, top, wall)
            brush.polygon([(middle - half * 1.2, eaves), (middle, top - width * 2), (middle + half * 1.2, eaves)], roof)
        case "dome":
            brush.slice(middle, top, width / 2, 180, 360, roof)
            brush.line([(middle, top - width * 0.85), (middle, top - width * 0.4)], roof, 0.5)
        case _:
            brush.rect(left - 0.5, top - 1.2, right + 0.5, top, roof)


def _windows(
    brush: Brush, rng: random.Random, left: float, top: float, right: float, bottom: float, color: Color
) -> None:
    columns = max(2, round((right - left) / 4))
    pane = (right - left) / (columns * 2 + 1)
    y = top + pane
    while y + pane * 1.5 < bottom - 1:
        for column in range(columns):
            if rng.random() < 0.72:
                x = left + pane * (column * 2 + 1)
                brush.rect(x, y, x + pane, y + pane * 1.4, color)
        y += pane * 2.6


def _street(
    brush: Brush,
    rng: random.Random,
    base: float,
    *,
    heights: tuple[float, float],
    walls: tuple[Color, ...],
    window: Color | None = None,
) -> None:
    """A row of houses on the line ``base`` from edge to edge; without ``window`` a mere silhouette."""
    left = -rng.uniform(0, 6)
    while left < brush.width:
        right, top, wall = left + rng.uniform(8, 17), base - rng.uniform(*heights), rng.choice(walls)
        brush.rect(left, top, right, base, wall)
        _roof(brush, rng, left, top, right, wall, mix(wall, _SHADE, 0.28) if window else wall)
        if window:
            _windows(brush, rng, left, top, right, base, window)
        left = right + rng.choice((0, 0, 0, 1.5))


def _water(brush: Brush, rng: random.Random, shore: float, palette: Palette) -> None:
    near_shore, at_bottom = mix(palette.layers[1], palette.sky[-1], 0.4), palette.layers[-1]
    brush.mirror(shore, near_shore, at_bottom)
    depth = brush.height - shore
    for _ in range(round(depth) + 20):
        nearness = rng.random() ** 0.8
        x, y, reach = (
            rng.random() * brush.width,
            shore + 1 + nearness * depth,
            (1 + nearness * 9) * rng.uniform(0.5, 1.2),
        )
        color = mix(mix(near_shore, at_bottom, nearness), palette.light, rng.uniform(0.12, 0.4))
        brush.line([(x - reach, y), (x + reach, y)], color, 0.2 + nearness * 0.35)


def _painted(palette: Palette, night: float, day: float) -> tuple[Color, ...]:
    """Walls in the accents, sunk into the air by ``night`` or ``day``."""
    return tuple(mix(color, palette.layers[2], night if palette.is_dark else day) for color in palette.accents[:4])


def waterfront(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """Lantern Quay: two rows of houses, their mirror image, a few boats."""
    brush = sky(rng, size, palette)
    shore = brush.height * rng.uniform(0.6, 0.7)
    brush.ground(brush.wave(rng, shore - 16, 9), palette.layers[0], bottom=shore)
    _street(brush, rng, shore, heights=(16, 36), walls=(palette.layers[1],))
    window = palette.light if palette.is_dark else mix(palette.layers[-1], palette.ink, 0.4)
    _street(brush, rng, shore, heights=(8, 24), walls=_painted(palette, 0.62, 0.3), window=window)
    brush.rect(0, shore - 1.2, brush.width, shore, palette.layers[-1])
    _water(brush, rng, shore, palette)
    for nearness in sorted(rng.random() for _ in range(rng.randint(1, 4))):
        y = shore + 4 + nearness * (brush.height - shore) * 0.55
        boat(brush, rng, rng.random() * brush.width, y, 3 + nearness * 5, palette)
    return brush.finish()


def skyline(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """The old town from Observatory Hill: three rows of roofs fading into the air."""
    brush = sky(rng, size, palette)
    brush.ground(brush.wave(rng, brush.height * 0.55, 10), mix(palette.layers[0], palette.sky[-1], 0.5))
    for depth, heights in enumerate(((22, 50), (14, 38), (8, 24))):
        base = brush.height * (0.72 + depth * 0.13)
        wall, next_wall = palette.layers[depth], palette.layers[depth + 1]
        lit = mix(wall, palette.light, 0.85 if palette.is_dark else 0.45)
        walls = (wall, mix(wall, next_wall, 0.35))
        _street(brush, rng, base, heights=heights, walls=walls, window=lit if depth else None)
        brush.rect(0, base - 0.2, brush.width, brush.height, next_wall)
    birds(brush, rng, palette.layers[-1])
    return brush.finish()


def fireworks(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """The last night of the Lantern Festival over the harbour."""
    brush = sky(rng, size, palette)
    shore = brush.height * 0.74
    for _ in range(rng.randint(4, 7)):
        x, y = rng.uniform(0.1, 0.9) * brush.width, rng.uniform(0.1, 0.5) * brush.height
        reach, color, rays = rng.uniform(10, 24), rng.choice(palette.accents), rng.choice((18, 24, 30))
        brush.glow(x, y, reach * 1.3, color, 0.4)
        for ray in range(rays):
            angle, length = math.tau * ray / rays, reach * rng.uniform(0.75, 1.05)
            tip = polar(x, y + length * 0.08, angle, length)
            brush.line([polar(x, y, angle, length * 0.3), tip], mix(color, palette.light, 0.3), 0.45)
            brush.disc(*tip, 0.6, palette.light)
    window = mix(palette.layers[3], palette.light, 0.8)
    _street(brush, rng, shore, heights=(6, 22), walls=palette.layers[2:], window=window)
    _water(brush, rng, shore, palette)
    return brush.finish()


def tram(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """A tram of Line 4 in front of the Saltmarket."""
    brush = sky(rng, size, palette)
    kerb = brush.height * 0.8
    walls = (
        _painted(palette, 0.6, 0.0) if palette.is_dark else tuple(mix(c, palette.paper, 0.35) for c in palette.accents)
    )
    window = palette.light if palette.is_dark else mix(palette.layers[2], palette.ink, 0.3)
    _street(brush, rng, kerb, heights=(30, 56), walls=walls, window=window)
    brush.rect(0, kerb, brush.width, brush.height, mix(palette.layers[3], palette.ink, 0.4))
    brush.rect(0, kerb, brush.width, kerb + 1.6, mix(palette.paper, palette.ink, 0.3))
    for rail in (kerb + 9.5, kerb + 12.5):
        brush.line([(0, rail), (brush.width, rail)], mix(palette.paper, palette.ink, 0.5), 0.6)
    wire = kerb - 40
    brush.line([(0, wire), (brush.width, wire)], palette.ink, 0.4)
    _car(brush, rng.uniform(0.05, 0.6) * max(1.0, brush.width - 66), kerb, wire, palette)
    return brush.finish()


def _car(brush: Brush, left: float, kerb: float, wire: float, palette: Palette) -> None:
    top, right, bottom = kerb - 26, left + 66, kerb + 8
    brush.line([(left + 30, top), (left + 34, wire), (left + 40, top)], palette.ink, 0.6)
    for wheel in (9, 16, 50, 57):
        brush.disc(left + wheel, bottom + 1, 3, palette.ink)
    brush.rect(left, top, right, bottom, palette.accents[0], radius=5)
    brush.rect(left, top + 18, right, top + 21, palette.paper)
    pane = palette.light if palette.is_dark else mix(palette.sky[1], (255, 255, 255), 0.4)
    for part in range(6):
        brush.rect(left + 3.8 + part * 10, top + 4, left + 12.2 + part * 10, top + 15, pane, radius=1.5)
    brush.disc(right - 2.5, bottom - 4, 1.4, palette.light)
    brush.glow(right, bottom - 4, 9, palette.light, 0.6)
