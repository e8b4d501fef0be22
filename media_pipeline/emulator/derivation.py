"""Derived pictures, really made by Pillow: resize, crop, pad, turn, page, format and quality.

Belongs here: pixels. Not here: transformation texts, see transformations; which derived assets exist, see derived.

Steps and parts that need more than that (effects, overlays, faces, scripts) are left out of the picture; the
derived asset carries them in its name all the same.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from media_pipeline.emulator.errors import bad_request
from media_pipeline.emulator.transformations import Component

# Pillow's name of each format that can be written.
_WRITERS = {
    "jpg": "JPEG", "jpeg": "JPEG", "jpe": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP",
    "tif": "TIFF", "tiff": "TIFF", "ico": "ICO", "pdf": "PDF", "jp2": "JPEG2000",
}  # fmt: skip
_OPAQUE = frozenset({"JPEG", "PDF", "BMP"})
_QUALITY = frozenset({"JPEG", "WEBP"})
_SIDE_LIMIT_PX = 20_000

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture: its bytes, format and size."""

    data: bytes
    format: str
    width: int
    height: int


def derive(path: Path, steps: list[Component], wanted_format: str | None, own_format: str | None) -> Picture:
    """Make a derived picture from a stored one.

    Args:
        path: The original's bytes.
        steps: The transformation, named ones resolved.
        wanted_format: A format named beside the transformation; it beats ``f_``.
        own_format: The original's format, kept if no other is asked for.

    Raises:
        ApiError: 400 if the original is no picture Pillow reads, or the format is none it writes.
    """
    format_ = wanted_format or next((s["f"] for s in reversed(steps) if s.get("f", "auto") != "auto"), own_format)
    quality = next((s["q"] for s in reversed(steps) if "q" in s), "")
    return encoded(shaped(path, steps), format_ or "", quality)


def shaped(path: Path, steps: list[Component]) -> Image.Image:
    """A stored picture after the steps, not yet in any format."""
    with opened(path, _page(steps)) as original:
        return reduce(_stepped, steps, original)


@contextmanager
def opened(path: Path, page: int = 1) -> Iterator[Image.Image]:
    """A stored picture, or one page of it, in a mode that can be worked with.

    Raises:
        ApiError: 400 if Pillow does not read it, or it has fewer pages.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                image.seek(page - 1)
                has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
                yield image.convert("RGBA" if has_alpha else "RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise bad_request("The emulator derives from raster pictures only") from None
    except EOFError:
        raise bad_request(f"Page {page} does not exist") from None


def writes(format_: str) -> bool:
    """Whether a format can be made."""
    return format_ in _WRITERS


def encoded(picture: Image.Image, format_: str, quality: str = "") -> Picture:
    """A picture as bytes of a format.

    Raises:
        ApiError: 400 for a format Pillow does not write.
    """
    writer = _WRITERS.get(format_)
    if writer is None:
        raise bad_request(f"Invalid extension in transformation: {format_}")
    if writer in _OPAQUE:
        picture = _flattened(picture)
    options = {"quality": int(quality)} if quality.isdigit() and writer in _QUALITY else {}
    target = io.BytesIO()
    picture.save(target, writer, **options)
    return Picture(target.getvalue(), format_, picture.width, picture.height)


def _page(steps: list[Component]) -> int:
    page = next((step["pg"] for step in steps if "pg" in step), "1")
    return int(page) if page.isdigit() and int(page) else 1


def _flattened(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _stepped(picture: Image.Image, step: Component) -> Image.Image:
    if "l" in step or "u" in step:
        # Sizes in the step of a layer are those of the layer.
        return picture
    mode = step.get("c", "scale")
    size = _size(picture, step)
    if size is not None:
        if max(size) > _SIDE_LIMIT_PX or min(size) < 1:
            raise bad_request(f"Invalid size in transformation: {size[0]} x {size[1]}")
        picture = _CROPS.get(mode, _scale)(picture, size, step)
    return _turned(picture, step.get("a", ""))


def _turned(picture: Image.Image, angle: str) -> Image.Image:
    for part in filter(None, angle.split(".")):
        if part == "hflip":
            picture = ImageOps.mirror(picture)
        elif part == "vflip":
            picture = ImageOps.flip(picture)
        elif part.lstrip("-").isdigit():
            picture = picture.convert("RGBA") if int(part) % 90 else picture
            picture = picture.rotate(-int(part), Image.Resampling.BICUBIC, expand=True)
    return picture


def _length(text: str | None, of: int) -> int | None:
    """Pixels, or with a point in it a share of the side."""
    if text is None:
        return None
    try:
        return round(float(text) * of) if "." in text else int(text)
    except ValueError:
        # ``auto``, ``iw`` and arithmetic keep the side as it is.
        return None


def _size(picture: Image.Image, step: Component) -> Size | None:
    """The box a step asks for; the missing side follows from the ratio."""
    width, height = _length(step.get("w"), picture.width), _length(step.get("h"), picture.height)
    ratio = _ratio(step.get("ar"))
    if width is None and height is None:
        if ratio is None:
            return None
        return min((picture.width, round(picture.width / ratio)), (round(picture.height * ratio), picture.height))
    ratio = ratio or picture.width / picture.height
    if step.get("c") == "crop" and "ar" not in step:
        return width or picture.width, height or picture.height
    if height is None and width is not None:
        return width, max(1, round(width / ratio))
    return (max(1, round((height or 1) * ratio)) if width is None else width), height or 1


def _ratio(text: str | None) -> float | None:
    try:
        if text is None:
            return None
        over, _, under = text.partition(":")
        return float(over) / float(under or 1) or None
    except (ValueError, ZeroDivisionError):
        raise bad_request(f"Invalid aspect ratio in transformation: {text}") from None


def _resized(picture: Image.Image, factor: float) -> Image.Image:
    size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def _scale(picture: Image.Image, size: Size, _step: Component) -> Image.Image:
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def _inside(picture: Image.Image, size: Size) -> float:
    return min(size[0] / picture.width, size[1] / picture.height)


def _fit(picture: Image.Image, size: Size, _step: Component) -> Image.Image:
    return _resized(picture, _inside(picture, size))


def _limit(picture: Image.Image, size: Size, _step: Component) -> Image.Image:
    return _resized(picture, min(1.0, _inside(picture, size)))


def _at_least(picture: Image.Image, size: Size, _step: Component) -> Image.Image:
    return _resized(picture, max(1.0, _inside(picture, size)))


def _fill(picture: Image.Image, size: Size, step: Component) -> Image.Image:
    covering = _resized(picture, max(size[0] / picture.width, size[1] / picture.height))
    return _cut(covering, size, step)


def _limited_fill(picture: Image.Image, size: Size, step: Component) -> Image.Image:
    factor = min(1.0, picture.width / size[0], picture.height / size[1])
    return _fill(picture, (max(1, round(size[0] * factor)), max(1, round(size[1] * factor))), step)


def _cut(picture: Image.Image, size: Size, step: Component) -> Image.Image:
    left, top = _corner(picture.size, size, step)
    left, top = max(0, min(left, picture.width - 1)), max(0, min(top, picture.height - 1))
    return picture.crop((left, top, min(left + size[0], picture.width), min(top + size[1], picture.height)))


def _padded(first: Callable[[Image.Image, Size, Component], Image.Image]) -> Callable[..., Image.Image]:
    def pad(picture: Image.Image, size: Size, step: Component) -> Image.Image:
        inner = first(picture, size, step).convert("RGBA")
        box = max(size[0], inner.width), max(size[1], inner.height)
        ground = Image.new("RGBA", box, _colour(step.get("b")))
        ground.alpha_composite(inner, _corner(box, inner.size, step))
        return ground

    return pad


def _corner(outer: Size, inner: Size, step: Component) -> tuple[int, int]:
    """Where the inner box lies in the outer one: by ``x`` and ``y`` from the top left, else by gravity."""
    x, y = _length(step.get("x"), outer[0]), _length(step.get("y"), outer[1])
    gravity = step.get("g", "center" if x is None and y is None else "north_west")
    free = outer[0] - inner[0], outer[1] - inner[1]
    across = 0 if "west" in gravity else free[0] if "east" in gravity else free[0] // 2
    down = 0 if "north" in gravity else free[1] if "south" in gravity else free[1] // 2
    return (
        across + (-(x or 0) if "east" in gravity else x or 0),
        down + (-(y or 0) if "south" in gravity else y or 0),
    )


def _colour(name: str | None) -> tuple[int, ...]:
    if name is None:
        return (255, 255, 255, 0)
    try:
        return ImageColor.getrgb(f"#{name.removeprefix('rgb:')}" if name.startswith("rgb:") else name)
    except ValueError:
        # ``auto`` and other words that need an eye for the picture.
        return (255, 255, 255)


_CROPS: dict[str, Callable[..., Image.Image]] = {
    "scale": _scale,
    "fit": _fit,
    "limit": _limit,
    "mfit": _at_least,
    "fill": _fill,
    "lfill": _limited_fill,
    "fill_pad": _padded(_fit),
    "auto": _fill,
    "thumb": _fill,
    "crop": _cut,
    "pad": _padded(_fit),
    "lpad": _padded(_limit),
    "mpad": _padded(lambda picture, _size, _step: picture),
}
