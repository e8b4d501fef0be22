"""Transformation texts such as ``c_fill,h_100,w_100/a_90``: their components, and how details show them.

Belongs here: reading and ordering the text. Not here: making pictures, see derivation; named ones, see
named_transformations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from media_pipeline.emulator.errors import bad_request

# What a short name in the text is called in the ``info`` of a transformation.
_NAMES = {
    "a": "angle", "ac": "audio_codec", "af": "audio_frequency", "ar": "aspect_ratio", "b": "background",
    "bo": "border", "br": "bit_rate", "c": "crop", "co": "color", "cs": "color_space", "d": "default_image",
    "dl": "delay", "dn": "density", "dpr": "dpr", "du": "duration", "e": "effect", "eo": "end_offset",
    "f": "fetch_format", "fl": "flags", "fn": "custom_function", "fps": "fps", "g": "gravity", "h": "height",
    "if": "if", "ki": "keyframe_interval", "l": "overlay", "o": "opacity", "p": "prefix", "pg": "page",
    "q": "quality", "r": "radius", "so": "start_offset", "sp": "streaming_profile", "t": "transformation",
    "u": "underlay", "vc": "video_codec", "vs": "video_sampling", "w": "width", "x": "x", "y": "y", "z": "zoom",
}  # fmt: skip
_SHORT = {name: short for short, name in _NAMES.items()}
_PART = re.compile(r"(?P<name>[a-z]{1,3})_(?P<value>.+)|(?P<variable>\$\w+)_(?P<text>.+)", re.DOTALL)
_WHOLE = re.compile(r"-?\d+")
_FRACTION = re.compile(r"-?\d*\.\d+")
_FORMAT = re.compile(r"[a-z0-9]*")

Component = dict[str, str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One derived asset that is asked for: an ordered text, and the format if one was named."""

    text: str
    format: str | None


def components(text: str) -> list[Component]:
    """The steps of a transformation, each a map from short name to value.

    Raises:
        ApiError: 400 for a step that is none.
    """
    return [_component(step) for step in _steps(text)]


def ordered(text: str) -> str:
    """The text with the parts of each step in the order Cloudinary keeps them."""
    return "/".join(",".join(f"{name}_{value}" for name, value in part.items()) for part in components(text))


def looks_like_steps(text: str) -> bool:
    """Whether every part of a path segment could be one of a transformation."""
    return bool(text) and all(_PART.fullmatch(part) for part in _parts(text))


def wanted(text: str) -> Wanted:
    """One item of ``eager``: a transformation, and a format behind a slash that is no step."""
    steps, slash, last = text.rpartition("/")
    if slash and "_" not in last and _FORMAT.fullmatch(last):
        return Wanted(ordered(steps), last or None)
    if not slash and "_" not in last and last and _FORMAT.fullmatch(last):
        # A format alone converts and does nothing else.
        return Wanted("", last)
    return Wanted(ordered(text), None)


def info(text: str) -> list[dict[str, object]]:
    """A transformation as details show it: one object a step, long names, numbers as numbers.

    A format behind a slash is the last step's ``extension``; nothing behind the slash is the extension ``none``.
    """
    found = wanted(text)
    shown: list[dict[str, object]] = [
        {_NAMES.get(name, name): _value(value) for name, value in part.items()} for part in components(found.text)
    ]
    if found.format or text.endswith("/"):
        shown = [*shown[:-1], {**(shown[-1] if shown else {}), "extension": found.format or "none"}]
    return shown


def text_of(step: object) -> str:
    """The text of a step that came as text or as an object with long names."""
    if not isinstance(step, dict):
        return ordered(str(step))
    return ",".join(sorted(f"{_SHORT.get(str(name), name)}_{value}" for name, value in step.items()))


def _steps(text: str) -> list[str]:
    return [step for step in text.split("/") if step]


def _parts(step: str) -> list[str]:
    # A comma inside a value is escaped in the text itself.
    return [part for part in step.split(",") if part]


def _component(step: str) -> Component:
    found: Component = {}
    for part in sorted(_parts(step), key=lambda part: (not part.startswith("if_"), not part.startswith("$"), part)):
        match = _PART.fullmatch(part)
        if match is None:
            raise bad_request(f"Invalid transformation component - {part}")
        found[match["name"] or match["variable"]] = match["value"] or match["text"]
    return found


def _value(text: str) -> object:
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text
