"""What a file is: its kind, format, size and streams, read by Pillow and FFmpeg (through PyAV).

Belongs here: reading media files. Not here: what the answer does with the facts, see documents.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.stream import Disposition
from PIL import Image, UnidentifiedImageError

from media_pipeline.emulator.errors import bad_request
from media_pipeline.emulator.naming import split_filename

_IMAGE_FORMATS = {"jpeg": "jpg", "mpo": "jpg", "jpeg2000": "jp2", "dib": "bmp"}
_LAYOUTS = {"1 channels": "mono", "2 channels": "stereo"}
_HEAD_BYTES = 65_536
_SVG = re.compile(rb"<svg\b[^>]*>", re.DOTALL)
_SVG_LENGTH = re.compile(rb"""\b(width|height)\s*=\s*["']([\d.]+)(?:px)?["']""")
_SVG_VIEW_BOX = re.compile(rb"""\bviewBox\s*=\s*["']([\d.eE+-]+[\s,]+){2}([\d.]+)[\s,]+([\d.]+)""")
_PDF_BOX = re.compile(rb"/MediaBox\s*\[\s*([\d.-]+)\s+([\d.-]+)\s+([\d.-]+)\s+([\d.-]+)")
_PDF_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
# Containers FFmpeg recognises by content; others (plain text is one) are guesses.
_CONTAINERS = {
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4", "matroska,webm": "mkv", "mp3": "mp3", "wav": "wav", "ogg": "ogg",
    "flac": "flac", "avi": "avi", "mpegts": "ts", "mpeg": "mpg", "flv": "flv", "asf": "wmv", "aiff": "aiff",
    "aac": "aac",
}  # fmt: skip
_EXTENSIONS = {
    "mov,mp4,m4a,3gp,3g2,mj2": {"mov", "mp4", "m4a", "m4v", "3gp", "3g2"},
    "matroska,webm": {"mkv", "webm"},
    "ogg": {"ogg", "ogv", "oga", "opus"},
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What an upload says of its file.

    Attributes:
        media: Members that only films and sound have, as they are answered.
    """

    resource_type: str
    format: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    pages: int | None = None
    media: dict[str, object] = field(default_factory=dict)


def probe(path: Path, filename: str, wanted: str) -> Facts:
    """Read a file that was uploaded as `wanted`: ``image``, ``video``, ``raw`` or ``auto``.

    Raises:
        ApiError: 400 if it is no image or film though one was announced.
    """
    extension = split_filename(filename)[1]
    image = (_image(path, extension) or _drawing(path)) if wanted in ("image", "auto") else None
    if image:
        return image
    if wanted == "image":
        raise bad_request("Invalid image file")
    film = _film(path, extension) if wanted in ("video", "auto") else None
    if film:
        return film
    if wanted == "video":
        raise bad_request("Unsupported video format or file")
    return Facts("raw")


def _image(path: Path, extension: str) -> Facts | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                name = (image.format or "").lower()
                pages = int(getattr(image, "n_frames", 1))
                width, height = image.size
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    if name == "tiff":
        name = extension if extension in ("tif", "tiff") else "tif"
    return Facts("image", _IMAGE_FORMATS.get(name, name), width, height, pages=pages)


def _drawing(path: Path) -> Facts | None:
    """SVG and PDF, which Cloudinary counts as images; their size is that of the drawing or of the first page."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head.startswith(b"%PDF-"):
        content = path.read_bytes()
        box = _PDF_BOX.search(content)
        left, bottom, right, top = (float(edge) for edge in box.groups()) if box else (0, 0, 0, 0)
        width, height = round(abs(right - left)), round(abs(top - bottom))
        return Facts("image", "pdf", width, height, pages=max(1, len(_PDF_PAGE.findall(content))))
    root = _SVG.search(head)
    if root is None:
        return None
    lengths = {name: round(float(length)) for name, length in _SVG_LENGTH.findall(root[0])}
    view = _SVG_VIEW_BOX.search(root[0])
    shape = (round(float(view[2])), round(float(view[3]))) if view else (0, 0)
    return Facts("image", "svg", lengths.get(b"width", shape[0]), lengths.get(b"height", shape[1]), pages=1)


def _film(path: Path, extension: str) -> Facts | None:
    try:
        # Opened as a stream, so that content alone decides and not the name.
        with path.open("rb") as stream, av.open(stream, mode="r", metadata_errors="replace") as container:
            names = container.format.name
            if names not in _CONTAINERS:
                return None
            # A stream of a codec that nobody knows has no context; it is neither seen nor heard.
            films = [s for s in container.streams.video if s.codec_context is not None]
            sounds = [s for s in container.streams.audio if s.codec_context is not None]
            video = next((s for s in films if not s.disposition & Disposition.attached_pic), None)
            audio = next(iter(sounds), None)
            if video is None and audio is None:
                return None
            duration = float(Fraction(container.duration or 0, av.time_base))
            media: dict[str, object] = {"audio": {}, "video": {}, "is_audio": video is None}
            if audio is not None:
                media["audio"] = {
                    "codec": audio.codec_context.name,
                    "bit_rate": str(audio.bit_rate or 0),
                    "frequency": audio.sample_rate,
                    "channels": audio.channels,
                    # A WAV file only counts its channels; FFmpeg then has no name for their places.
                    "channel_layout": _LAYOUTS.get(audio.layout.name, audio.layout.name),
                }
            if video is not None:
                rate = video.average_rate or Fraction(0)
                shape = video.display_aspect_ratio
                media["video"] = {
                    "pix_format": video.pix_fmt,
                    "codec": video.codec_context.name,
                    "level": getattr(video.codec_context, "level", None),
                    "profile": video.profile,
                    "bit_rate": str(video.bit_rate or 0),
                    "dar": f"{shape.numerator}:{shape.denominator}" if shape else None,
                    "time_base": str(video.time_base),
                }
                media["frame_rate"] = round(float(rate), 6)
                media["rotation"] = 0
                media["nb_frames"] = video.frames or round(duration * float(rate))
            media["bit_rate"] = container.bit_rate
            width = video.width if video is not None else None
            height = video.height if video is not None else None
    except (av.error.FFmpegError, OSError, ValueError):
        return None
    known = _EXTENSIONS.get(names, set())
    format_ = extension if extension in known else _CONTAINERS[names]
    return Facts("video", format_, width, height, round(duration, 6), media=media)
