"""Pictures made of other things: a text as a picture, several pictures as one, one picture as its pages.

Belongs here: text, multi and explode. Not here: derived pictures of one original, see derived; archives, see archives.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from media_pipeline.emulator import (
    assets,
    cause,
    derivation,
    derived,
    named_transformations,
    notices,
    probes,
    sources,
    uploads,
)
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.documents import Document
from media_pipeline.emulator.errors import bad_request, invalid_value
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.naming import check_public_id, random_hex, random_public_id
from media_pipeline.emulator.params import Params
from media_pipeline.emulator.transformations import Component, Wanted, ordered

_FONT_SIZE_PX = 12
_FRAME_MILLISECONDS = 500
_MEMBERS_LIMIT = 100
# Formats that can hold several pictures.
_MANY = frozenset({"gif", "pdf", "webp", "png", "tiff"})
_ALL_PAGES = "pg_all"


def text(library: Library, params: Params) -> Document:
    """A picture of a text, in the one font that Pillow brings along."""
    words = params.required("text")
    font = ImageFont.load_default(params.integer("font_size", _FONT_SIZE_PX, 1, 500))
    try:
        colour = ImageColor.getrgb((params.text("font_color") or "black").replace("rgb:", "#"))
        background = params.text("background")
        ground = (*ImageColor.getrgb(background.replace("rgb:", "#"))[:3], 255) if background else (255, 255, 255, 0)
    except ValueError as error:
        raise bad_request(f"Invalid value for parameter font_color or background: {error}") from None
    measuring = ImageDraw.Draw(Image.new("RGBA", (1, 1)))
    left, top, right, bottom = measuring.multiline_textbbox((0, 0), words, font)
    picture = Image.new("RGBA", (max(1, round(right - left)), max(1, round(bottom - top))), ground)
    ImageDraw.Draw(picture).multiline_text((-left, -top), words, colour, font)
    public_id = check_public_id(params.text("public_id") or random_public_id())
    with library.store.write() as db:
        asset = _stored(library, db, derivation.encoded(picture, "png"), "text", public_id)
    return library.documents.uploaded(asset)


def multi(library: Library, params: Params) -> Document:
    """An animation (or a document) of all images with a tag, or of some addresses.

    Raises:
        ApiError: 400 without images, or for a format that holds only one.
    """
    tag, addresses = params.text("tag"), params.strings("urls")
    if bool(tag) == bool(addresses):
        raise bad_request("Either 'tag' or 'urls' must be given")
    if tag:
        members = _tagged(library, tag)
    else:
        members = [file.path for url in addresses if (file := sources.of_text(library, url).file)]
    steps_text = ordered(params.text("transformation") or "")
    with library.store.read() as db:
        steps = named_transformations.resolved(db, steps_text)
    format_ = next((step["f"] for step in steps if "f" in step), params.text("format") or "gif")
    if format_ not in _MANY:
        raise invalid_value(format_, "format")
    if not members:
        raise bad_request(f"No images found for tag {tag}")
    plain = _joined(members, [], format_)
    shown = _joined(members, steps, format_) if steps else plain
    public_id = check_public_id(params.text("public_id") or tag or random_public_id())
    with library.store.write() as db:
        asset = _stored(library, db, plain, "multi", public_id)
        if steps:
            file = library.originals.receive(io.BytesIO(shown.data))
            made = derived.Derived(
                random_hex(), steps_text, format_, file.size_bytes, shown.width, shown.height, file.digest
            )
            derived.insert(library, db, asset, made)
        answer: Document = {"asset_id": asset.asset_id, "public_id": public_id, "version": asset.version}
        answer |= library.documents.urls(asset, steps_text, format_)
        library.notifications.post(db, notices.answered("multi", answer))
    return answer


def explode(library: Library, params: Params) -> Document:
    """Derive every page of a picture that has several; what became of them is told by a notification.

    Raises:
        ApiError: 404 for an unknown asset, 400 for one Pillow cannot take apart.
    """
    public_id, type_ = params.required("public_id"), params.text("type") or "upload"
    with library.store.read() as db:
        asset = assets.get(db, "image", type_, public_id)
    if asset.original is None:
        raise bad_request("The emulator derives from stored images only")
    steps = params.text("transformation") or _ALL_PAGES
    format_ = params.text("format")
    texts = [ordered(steps.replace(_ALL_PAGES, f"pg_{page}")) for page in range(1, (asset.pages or 1) + 1)]
    made = [derived.make(library, Wanted(text, format_), asset.original, asset.format) for text in texts]
    pages: list[Document] = [
        {"width": page.width, "height": page.height, "bytes": page.bytes}
        | library.documents.urls(asset, page.transformation, page.format)
        for page in made
    ]
    with library.store.write() as db:
        for page in made:
            derived.insert(library, db, asset, page)
        notice = notices.Notice("explode", {"pages": len(pages), "image_infos": pages, "public_id": public_id})
        library.notifications.post(db, notice)
    return {"status": "processing", "batch_id": cause.current().batch_id}


def _tagged(library: Library, tag: str) -> list[Path]:
    condition = (
        "seq IN (SELECT seq FROM asset_tag WHERE resource_type = 'image' AND tag = ?) AND original IS NOT NULL"
        " ORDER BY public_id LIMIT ?"
    )
    with library.store.read() as db:
        found = list(assets.select(db, condition, (tag, _MEMBERS_LIMIT)))
    return [library.originals.path(asset.original) for asset in found if asset.original]


def _joined(members: Iterable[Path], steps: list[Component], format_: str) -> derivation.Picture:
    """Pictures one behind the other, each in the middle of a frame as large as the largest."""
    pictures = [derivation.shaped(path, steps) for path in members]
    size = max(picture.width for picture in pictures), max(picture.height for picture in pictures)
    frames = []
    for picture in pictures:
        frame = Image.new("RGB", size, "white")
        frame.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
        frames.append(frame)
    first, *others = frames
    target = io.BytesIO()
    animation = {} if format_ in ("pdf", "tiff") else {"duration": _FRAME_MILLISECONDS, "loop": 0}
    first.save(target, format_.upper(), save_all=True, append_images=others, **animation)
    return derivation.Picture(target.getvalue(), format_, *size)


def _stored(library: Library, db: sqlite3.Connection, picture: derivation.Picture, type_: str, public_id: str) -> Asset:
    file = library.originals.receive(io.BytesIO(picture.data))
    arrival = uploads.Arrival(file, "", probes.probe(file.path, f"x.{picture.format}", "image"))
    asset = uploads.take(library, db, arrival, type_, public_id)
    return library.save(db, asset)
