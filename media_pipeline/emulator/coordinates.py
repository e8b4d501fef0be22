"""Regions of a picture that callers name: faces, and one custom box for cropping.

Belongs here: reading, clipping, keeping and showing them. Not here: cutting pictures, see derivation.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import msgspec

from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import invalid_value
from media_pipeline.emulator.params import Params

_CORNERS = 4

Box = list[int]


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Boxes as x, y, width and height in pixels; None where nobody named any."""

    faces: list[Box] | None = None
    custom: list[Box] | None = None

    def shown(self) -> Document:
        """The ``coordinates`` member of an answer."""
        named: Document = {"faces": self.faces, "custom": self.custom}
        return {name: boxes for name, boxes in named.items() if boxes}


def given(params: Params) -> Coordinates:
    """The boxes a call names.

    Raises:
        ApiError: 400 for a text that is no list of boxes.
    """
    return Coordinates(_boxes(params, "face_coordinates"), _boxes(params, "custom_coordinates"))


def clipped(coordinates: Coordinates, asset: Asset) -> Coordinates:
    """Boxes no larger than the picture; an upload clips, later calls keep what they say."""
    width, height = asset.width, asset.height
    if not width or not height:
        return coordinates

    def clip(boxes: list[Box] | None) -> list[Box] | None:
        return boxes and [[x, y, min(across, width), min(down, height)] for x, y, across, down in boxes]

    return Coordinates(clip(coordinates.faces), clip(coordinates.custom))


def save(db: sqlite3.Connection, asset: Asset, coordinates: Coordinates) -> None:
    """Keep the boxes that are named; those that are not stay as they are."""
    faces, custom = (None if boxes is None else _text(boxes) for boxes in (coordinates.faces, coordinates.custom))
    if faces is None and custom is None:
        return
    db.execute(
        "INSERT INTO coordinates VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
        " SET faces = coalesce(excluded.faces, faces), custom = coalesce(excluded.custom, custom)",
        (asset.seq, faces, custom),
    )


def of_asset(db: sqlite3.Connection, asset: Asset) -> Coordinates:
    """The boxes of an asset."""
    row = db.execute("SELECT faces, custom FROM coordinates WHERE seq = ?", (asset.seq,)).fetchone()
    if row is None:
        return Coordinates()
    return Coordinates(*(None if text is None else msgspec.json.decode(text, type=list[Box]) for text in row))


def _boxes(params: Params, name: str) -> list[Box] | None:
    """Boxes such as ``1,2,3,4|5,6,7,8``, as text or as lists."""
    value = params.values.get(name)
    if value is None:
        return None
    try:
        rows = value if isinstance(value, list) else [row.split(",") for row in str(value).split("|") if row]
        rows = [rows] if rows and not isinstance(rows[0], list) else rows
        boxes = [[round(float(number)) for number in row] for row in rows]
        if any(len(box) != _CORNERS for box in boxes):
            raise ValueError(value)
    except (ValueError, TypeError):
        raise invalid_value(value, name) from None
    return boxes


def _text(boxes: list[Box]) -> str:
    return msgspec.json.encode(boxes).decode()
