"""Posters, tiles and emblems of the sample library.

Belongs here: what the town's designers make, mostly with a title.
Not here: figures, plans and portraits (sample_prints), vector drawings (sample_documents).

Each function takes a random source first and draws the same picture for the same arguments.
"""

from __future__ import annotations

import math
import random

from PIL import Image

from media_pipeline.emulator.sample_brush import Brush, polar
from media_pipeline.emulator.sample_drawing import Color, Palette, Size, mix
from media_pipeline.emulator.sample_scenes import Scene


def _lines(title: str, line_characters: int) -> list[str]:
    """Break a title into lines of about equal length, none longer than wished if words allow."""
    count = math.ceil(len(title) / line_characters)
    target = min(line_characters, math.ceil(len(title) / count) + 2)
    lines: list[str] = []
    for word in title.split():
        if lines and len(lines[-1]) + 1 + len(word) <= target:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines


def _title(brush: Brush, lines: list[str], top: float, size: float, color: Color, edge: float) -> float:
    """Write a title across the picture, ``edge`` away from its sides, and return the y below it."""
    for line in lines:
        widest = brush.width - 2 * edge
        top += brush.text(brush.width / 2, top, line, size, color, bold=True, widest=widest) * 1.12
    return top


def _foot_line(brush: Brush, words: str, top: float, size: float, palette: Palette) -> None:
    color = mix(palette.accents[0], palette.ink, 0.55)
    brush.text(brush.width / 2, top, words, size, color, widest=brush.width - 12)


def travel_poster(rng: random.Random, size: Size, palette: Palette, scene: Scene, title: str, line: str) -> Image.Image:
    """A scene in a paper frame, the title large below it."""
    brush = Brush(size, palette.paper)
    edge = 6.0
    width, height = brush.width - 2 * edge, brush.height * 0.68
    brush.rect(edge - 0.7, edge - 0.7, edge + width + 0.7, edge + height + 0.7, palette.ink)
    brush.place(scene(rng, brush.pixels(width, height), palette), edge, edge, width, height)
    lines = _lines(title, 20)
    letter = min(12, (brush.height - height - 2 * edge) * 0.62 / len(lines))
    below = _title(brush, lines, height + edge * 1.5, letter, palette.ink, edge)
    _foot_line(brush, line, min(below + 2, brush.height - edge - 3), 4.4, palette)
    return brush.finish()


def sunburst_poster(rng: random.Random, size: Size, palette: Palette, title: str, line: str) -> Image.Image:
    """Rays from a low sun, the title across the sky."""
    brush = Brush(size, palette.accents[0])
    x, y = brush.width / 2, brush.height * rng.uniform(0.66, 0.74)
    rays, reach = rng.choice((12, 16, 20)), math.hypot(brush.width, brush.height)
    pale = mix(palette.accents[1], palette.paper, 0.35)
    for ray in range(rays):
        start, end = math.tau * ray / rays, math.tau * (ray + 0.5) / rays
        brush.polygon([(x, y), polar(x, y, start, reach), polar(x, y, end, reach)], pale)
    brush.glow(x, y, 60, palette.light, 0.8)
    brush.disc(x, y, 16, palette.light)
    for depth in range(3):
        ridge = brush.wave(rng, brush.height * (0.76 + depth * 0.08), 4, swings=1 + depth / 2)
        brush.ground(ridge, palette.layers[depth + 1])
    lines, top = _lines(title, 14), brush.height * 0.08
    tall = min(15, brush.height * 0.42 / len(lines))
    brush.rect(6, top - 3, brush.width - 6, top + tall * 1.12 * len(lines) + 5, palette.paper, radius=4)
    _title(brush, lines, top, tall, palette.ink, 10)
    brush.text(x, brush.height - 9, line, 5.4, palette.paper, bold=True, widest=brush.width - 10)
    return brush.finish()


def shape_poster(rng: random.Random, size: Size, palette: Palette, title: str, line: str) -> Image.Image:
    """Tiles above, the title at the foot."""
    brush = Brush(size, palette.paper)
    columns, lines = rng.choice((4, 5)), _lines(title, 18)
    side = brush.width / columns
    tall = min(11, brush.height * 0.28 / len(lines))
    foot = brush.height - tall * 1.12 * len(lines) - 14
    for row in range(math.ceil(foot / side)):
        for column in range(columns):
            _tile(brush, rng, column * side, foot - (row + 1) * side, side, palette)
    # Shapes of the last row may reach below it.
    brush.rect(0, foot, brush.width, brush.height, palette.paper)
    below = _title(brush, lines, foot + 3, tall, palette.ink, 6)
    _foot_line(brush, line, min(below + 1, brush.height - 7), 4.6, palette)
    return brush.finish()


def _tile(brush: Brush, rng: random.Random, x: float, y: float, side: float, palette: Palette) -> None:
    first, second = rng.sample([*palette.accents, palette.layers[1], palette.layers[3], palette.ink], 2)
    brush.rect(x, y, x + side, y + side, first)
    match rng.choice(("quarter", "eye", "corner", "stripes", "hourglass")):
        case "quarter":
            turn = rng.randrange(4)
            corner_x, corner_y = x + side * (turn in (1, 2)), y + side * (turn in (2, 3))
            brush.slice(corner_x, corner_y, side, turn * 90, turn * 90 + 90, second)
        case "eye":
            brush.disc(x + side / 2, y + side / 2, side * 0.36, second)
            brush.disc(x + side / 2, y + side / 2, side * 0.14, palette.light)
        case "corner":
            brush.polygon([(x, y), (x + side, y + side), (x, y + side)], second)
        case "stripes":
            for part in range(3):
                brush.rect(x, y + side * part / 3, x + side, y + side * (part + 0.5) / 3, second)
        case _:
            brush.slice(x + side / 2, y, side / 2, 0, 180, second)
            brush.slice(x + side / 2, y + side, side / 2, 180, 360, second)


def mosaic(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """Floor tiles from the old baths."""
    brush = Brush(size, palette.ink)
    side = 100 / rng.choice((5, 6, 8))
    for row in range(math.ceil(brush.height / side)):
        for column in range(math.ceil(brush.width / side)):
            _tile(brush, rng, column * side, row * side, side, palette)
    return brush.finish()


def badge(rng: random.Random, size: Size, palette: Palette, initials: str) -> Image.Image:
    """A round emblem on a transparent ground; ``size`` is square."""
    brush = Brush(size, palette.layers[1], palette.layers[3])
    brush.ring(50, 50, 47, palette.accents[1], 3)
    for depth in range(3):
        ridge = brush.wave(rng, 66 + depth * 9, 3, swings=1.5)
        brush.ground(ridge, mix(palette.accents[0], palette.layers[3], depth * 0.3))
    brush.text(50, 42, initials, 34, palette.paper, anchor="mm", bold=True, widest=70)
    brush.cut_out_disc()
    return brush.finish()
