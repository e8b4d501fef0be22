"""Portraits, plans, charts, museum pieces, slides and scans of the sample library.

Belongs here: pictures of people, things and paper.
Not here: views (sample_scenes, sample_streets), posters (sample_posters), text documents (sample_documents).

Each function takes a random source first and draws the same picture for the same arguments.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Literal

from PIL import Image, ImageChops, ImageOps

from media_pipeline.emulator.sample_brush import Brush, polar
from media_pipeline.emulator.sample_drawing import Color, Palette, Size, grain, mix, vignette
from media_pipeline.emulator.sample_scenes import Scene
from media_pipeline.emulator.sample_town import Person

ChartKind = Literal["bars", "line", "ring"]

_WHITE: Color = (255, 255, 255)
_LIPS: Color = (120, 20, 30)
_HAIR: tuple[Color, ...] = (
    (38, 28, 30),
    (84, 52, 34),
    (146, 92, 52),
    (206, 176, 130),
    (190, 190, 196),
    (58, 40, 66),
)


def portrait(rng: random.Random, size: Size, palette: Palette, person: Person) -> Image.Image:
    """A person as a few calm shapes."""
    brush = Brush(size, palette.sky[1], palette.sky[-1])
    x, y = brush.width / 2, brush.height * 0.43
    skin, hair = mix((255, 219, 188), (92, 54, 36), rng.random() ** 1.2), rng.choice(_HAIR)
    coat, collar = rng.sample([palette.layers[2], palette.layers[3], palette.ink, *palette.accents[:3]], 2)
    brush.disc(x, y + 4, 40, mix(rng.choice(palette.accents), palette.paper, 0.45))
    if person.hair in ("long", "bob"):
        brush.rect(x - 21, y - 22, x + 21, y + (32 if person.hair == "long" else 16), hair, radius=19)
    if person.hair == "bun":
        brush.disc(x, y - 26, 9, hair)
    brush.rect(x - 38, y + 31, x + 38, brush.height + 40, coat, radius=26)
    brush.polygon([(x - 15, y + 31), (x + 15, y + 31), (x, y + 54)], collar)
    brush.rect(x - 7.5, y + 8, x + 7.5, y + 38, mix(skin, palette.ink, 0.16), radius=7)
    for ear in (x - 17.5, x + 17.5):
        brush.disc(ear, y + 4, 3.4, mix(skin, palette.ink, 0.08))
    brush.rect(x - 17, y - 20, x + 17, y + 25, skin, radius=16.5)
    if person.has_beard:
        brush.slice(x, y + 8.5, 17, 15, 165, hair)
        brush.disc(x, y + 12, 6, skin)
    brush.slice(x, y - 7, 18, 180, 360, hair)
    if person.hair == "parted":
        brush.slice(x - 4, y - 10, 20, 270, 360, hair)
    _features(brush, x, y, skin=skin, brow=mix(hair, palette.ink, 0.4), ink=palette.ink)
    if rng.random() < 0.35:
        for eye in (x - 6.6, x + 6.6):
            brush.ring(eye, y + 2, 5, palette.ink, 0.8)
        brush.line([(x - 1.6, y + 2), (x + 1.6, y + 2)], palette.ink, 0.9)
    return brush.finish()


def _features(brush: Brush, x: float, y: float, *, skin: Color, brow: Color, ink: Color) -> None:
    for side in (-1, 1):
        brush.disc(x + side * 6.6, y + 2, 1.5, ink)
        brush.arc(x + side * 6.6, y - 0.5, 3.4, 205, 335, brow, 0.9)
        brush.disc(x + side * 9.5, y + 9, 2.8, mix(skin, (235, 90, 90), 0.28))
    brush.arc(x, y + 11, 5.5, 25, 155, mix(skin, _LIPS, 0.7), 0.9)
    brush.line([(x, y + 3), (x - 1.4, y + 9), (x + 0.8, y + 9)], mix(skin, ink, 0.3), 0.9)


def street_map(rng: random.Random, size: Size, palette: Palette, title: str, labels: Sequence[str]) -> Image.Image:
    """A plan with a river, parks, streets, a route of named pins and a title strip."""
    brush = Brush(size, mix(palette.paper, palette.layers[0], 0.12))
    for _ in range(rng.randint(3, 5)):
        x, y, reach = rng.random() * brush.width, rng.random() * brush.height, rng.uniform(8, 18)
        shore = [polar(x, y, math.tau * step / 9, reach * rng.uniform(0.7, 1.1)) for step in range(9)]
        brush.polygon(shore, (196, 222, 176))
    for step in range(math.ceil(max(brush.width, brush.height) / 8.5)):
        at, sway, across = step * 8.5 + 3, rng.uniform(-7, 7), rng.uniform(-7, 7)
        color, width = ((247, 198, 108), 1.8) if step % 4 == 1 else (_WHITE, 0.9)
        brush.line([(at, 0), (at + sway, brush.height)], color, width)
        brush.line([(0, at), (brush.width, at + across)], color, width)
    river = brush.wave(rng, brush.height * rng.uniform(0.4, 0.65), 15)
    brush.line(river, (120, 178, 214), 8)
    brush.line(river, (158, 205, 232), 6.6)
    step_x = brush.width / len(labels)
    route = [
        (step_x * (place + rng.uniform(0.25, 0.75)), rng.uniform(0.26, 0.88) * brush.height)
        for place in range(len(labels))
    ]
    brush.line(route, palette.accents[0], 1.2)
    for (x, y), label in zip(route, labels, strict=True):
        brush.polygon([(x - 2.2, y - 4), (x + 2.2, y - 4), (x, y)], palette.accents[0])
        brush.disc(x, y - 5, 2.9, palette.accents[0])
        brush.disc(x, y - 5, 1.2, _WHITE)
        half = len(label) * 0.95
        middle = min(max(x, half + 1), brush.width - half - 1)
        brush.rect(middle - half, y + 1, middle + half, y + 5.4, _WHITE, radius=1.2)
        brush.text(middle, y + 3.1, label, 3.2, palette.ink, anchor="mm", widest=half * 1.9)
    brush.rect(0, 0, brush.width, 11, palette.ink)
    brush.text(3, 5.6, title, 5.4, palette.paper, anchor="lm", bold=True, widest=brush.width - 20)
    brush.text(brush.width - 3, 5.6, "N ^", 4.6, palette.accents[1], anchor="rm")
    return brush.finish()


def chart(
    rng: random.Random, size: Size, palette: Palette, title: str, names: Sequence[str], kind: ChartKind
) -> Image.Image:
    """A figure for the yearbook."""
    brush = Brush(size, palette.paper)
    soft = mix(palette.ink, palette.paper, 0.45)
    brush.text(8, 7, title, 6, palette.ink, anchor="la", bold=True, widest=brush.width - 16)
    brush.text(8, 15.5, "Brackenhaven in figures", 3.4, soft, anchor="la")
    values = [rng.uniform(0.2, 1) for _ in names]
    if kind == "ring":
        _ring_chart(brush, palette, names, values)
        return brush.finish()
    left, top, right, bottom = 12.0, 27.0, brush.width - 8, brush.height - 14
    for quarter in range(5):
        y = bottom - (bottom - top) * quarter / 4
        brush.line([(left, y), (right, y)], mix(palette.paper, palette.ink, 0.16), 0.3)
        brush.text(left - 1.5, y, str(quarter * 25), 3, soft, anchor="rm")
    room = (right - left) / len(names)
    tops = [(left + room * (place + 0.5), bottom - (bottom - top) * value) for place, value in enumerate(values)]
    if kind == "line":
        brush.ground(tops, mix(palette.accents[0], palette.paper, 0.72), bottom=bottom)
        brush.line(tops, palette.accents[0], 1.3)
    for place, ((x, y), name) in enumerate(zip(tops, names, strict=True)):
        if kind == "bars":
            brush.rect(x - room * 0.32, y, x + room * 0.32, bottom, palette.accents[place % 3], radius=1.4)
        else:
            brush.disc(x, y, 1.9, palette.ink)
            brush.disc(x, y, 1.1, palette.paper)
        brush.text(x, bottom + 3, name, 3.4, palette.ink, widest=room * 0.95)
    return brush.finish()


def _ring_chart(brush: Brush, palette: Palette, names: Sequence[str], values: Sequence[float]) -> None:
    x, y = brush.width * 0.36, (brush.height + 20) / 2
    reach = min(brush.width * 0.3, brush.height * 0.34)
    colors, start = [palette.accents[0], palette.accents[2], *palette.layers], -90.0
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        end, top = start + 360 * value / sum(values), y - reach + place * 8
        brush.slice(x, y, reach, start, end, colors[place])
        brush.line([(x, y), polar(x, y, math.radians(end), reach)], palette.paper, 1)
        brush.rect(brush.width * 0.7, top, brush.width * 0.7 + 4, top + 4, colors[place], radius=1)
        words = f"{name} {round(100 * value / sum(values))} %"
        brush.text(
            brush.width * 0.7 + 6,
            top + 2,
            words,
            3.8,
            palette.ink,
            anchor="lm",
            widest=brush.width * 0.28 - 7,
        )
        start = end
    brush.disc(x, y, reach * 0.52, palette.paper)


def composition(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """A painting of circles and beams on toned canvas, in a wooden frame."""
    brush = Brush(size, mix(palette.paper, palette.sky[-1], 0.5))
    colors = [*palette.accents, *palette.layers, palette.ink]
    for _ in range(rng.randint(4, 6)):
        x, y = rng.random() * brush.width, rng.random() * brush.height
        brush.glow(x, y, rng.uniform(25, 50), rng.choice(palette.accents), 0.35)
    for _ in range(rng.randint(4, 7)):
        x, y = rng.uniform(0.15, 0.85) * brush.width, rng.uniform(0.15, 0.85) * brush.height
        reach, color = rng.uniform(4, 24), rng.choice(colors)
        if rng.random() < 0.55:
            brush.disc(x, y, reach, color)
            brush.disc(x, y, reach * rng.uniform(0.3, 0.7), rng.choice(colors))
        else:
            brush.ring(x, y, reach, color, rng.uniform(0.8, 2.4))
    for _ in range(rng.randint(3, 6)):
        x, y = rng.random() * brush.width, rng.random() * brush.height
        angle, reach = rng.uniform(0, math.pi), rng.uniform(20, 60)
        ends = [polar(x, y, angle, -reach), polar(x, y, angle, reach)]
        brush.line(ends, rng.choice(colors), rng.uniform(0.6, 3))
    canvas = grain(brush.finish(), rng, 0.05)
    return ImageOps.expand(ImageOps.expand(canvas, 6, palette.light), 14, mix((98, 62, 34), palette.ink, 0.25))


def plate(rng: random.Random, size: Size, palette: Palette) -> Image.Image:
    """A painted plate on a plain ground, as the museum photographs it."""
    brush = Brush(size, mix(palette.paper, palette.ink, 0.05), mix(palette.paper, palette.ink, 0.28))
    x, y, reach = brush.width / 2, brush.height / 2, 42.0
    glaze, blue = (
        mix(palette.paper, _WHITE, 0.6),
        rng.choice((palette.layers[3], palette.accents[0], palette.layers[2])),
    )
    brush.glow(x + reach * 0.08, y + reach * 0.12, reach * 1.5, palette.ink, 0.65)
    brush.disc(x, y, reach, glaze)
    for share in (0.97, 0.72, 0.68, 0.3):
        brush.ring(x, y, reach * share, blue, 0.6)
    berries = rng.choice((12, 16, 20))
    for place in range(berries):
        at = polar(x, y, math.tau * place / berries, reach * 0.84)
        brush.disc(*at, reach * 0.075, blue)
        brush.disc(*at, reach * 0.04, palette.accents[1])
    for leaf in range(berries // 2):
        angle = math.tau * leaf / (berries // 2)
        left, right = (polar(x, y, angle + turn, reach * 0.42) for turn in (-0.22, 0.22))
        brush.polygon([(x, y), left, polar(x, y, angle, reach * 0.6), right], mix(blue, glaze, 0.25 * (leaf % 2)))
    brush.disc(x, y, reach * 0.13, palette.accents[1])
    return brush.finish()


def archive_slide(rng: random.Random, size: Size, palette: Palette, scene: Scene, label: str) -> Image.Image:
    """A faded photograph in its cardboard mount."""
    mount = Brush(size, (236, 230, 214))
    edge = 8.0
    width, height = mount.width - 2 * edge, mount.height - 3 * edge
    grey = ImageOps.autocontrast(scene(rng, mount.pixels(width, height), palette).convert("L"), cutoff=1)
    faded = ImageOps.colorize(grey, (52, 34, 26), (250, 236, 204), mid=(166, 128, 92))
    vignette(faded, (48, 30, 22), 0.55)
    mount.place(grain(faded, rng, 0.08), edge, edge, width, height)
    mount.text(mount.width / 2, mount.height - edge, label, 5, (84, 66, 58), anchor="mm", widest=width)
    return mount.finish()


def scanned_letter(rng: random.Random, size: Size, title: str, lines: Sequence[str]) -> Image.Image:
    """A typed page as the scanner of the archive saw it: grey, slightly askew, dusty."""
    page = Brush(size, (246, 246, 246))
    ink: Color = (40, 40, 40)
    page.text(12, 10, title, 4.6, ink, anchor="la", bold=True, widest=76)
    y = 22.0
    while y < page.height - 14:
        page.text(12, y, rng.choice(lines), 2.7, ink, anchor="la", widest=76)
        y += rng.choice((4.4, 4.4, 4.4, 8.0))
    turned = page.finish().convert("L").rotate(rng.uniform(-1.2, 1.2), Image.Resampling.BICUBIC, fillcolor=246)
    specks = Image.frombytes("L", (128, 128), rng.randbytes(128 * 128)).point([0] * 255 + [70])
    return ImageChops.subtract(turned, specks.resize(size, Image.Resampling.BOX))
