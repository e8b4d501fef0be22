"""What callers want to know or have done with a picture's content: measured where cheap, refused where not.

Belongs here: quality analysis, named add-ons and scripts. Not here: regions, see coordinates.
"""

from __future__ import annotations

from pathlib import Path

from PIL import ImageFilter, ImageStat

from media_pipeline.emulator import derivation
from media_pipeline.emulator.errors import ApiError, bad_request
from media_pipeline.emulator.params import Params

# Add-ons that exist; the emulator has none of them, so they are accepted without any effect.
_ADD_ONS = {
    "raw_convert": ("aspose", "google_speech", "extract_text", "azure_video_indexer"),
    "categorization": ("google_tagging", "google_video_tagging", "imagga_tagging", "aws_rek_tagging"),
    "detection": ("adv_face", "aws_rek_face", "captioning", "coco", "lvis", "openimages", "unidet", "cld-fashion",
                  "cld-text", "human-anatomy", "iqa", "shop-classifier", "watermark-detection"),
    "background_removal": ("cloudinary_ai", "pixelz", "remove_the_background"),
    "ocr": ("adv_ocr",),
}  # fmt: skip
_UPLOAD_WORDS = {
    "raw_convert": "Raw convert is invalid",
    "categorization": "Categorization {value} is not valid",
    "detection": "Detection invalid model '{value}'",
    "background_removal": "Background removal {value} is invalid",
    "ocr": "Ocr {value} is invalid",
}
_SCRIPTS = ("eval", "on_success")
# Standard deviation of the edges of a picture that is sharp all over.
_SHARP_EDGES = 64.0


def check_upload(params: Params) -> None:
    """Refuse add-ons that do not exist, in the words of an upload, and scripts.

    Raises:
        ApiError: 400.
    """
    for name, value in _unknown_add_ons(params):
        raise bad_request(_UPLOAD_WORDS[name].format(value=value))
    for name in _SCRIPTS:
        if params.text(name):
            raise bad_request(f"The emulator runs no scripts: send the upload without {name}")


def check_update(params: Params) -> None:
    """Refuse add-ons that do not exist, in the words of an update.

    Raises:
        ApiError: 400.
    """
    for name, value in _unknown_add_ons(params):
        raise bad_request(f"Illegal value {value} for parameter {name}")


def quality(path: Path) -> dict[str, object] | None:
    """How sharp a picture is, from 0 to 1 by the contrast of its edges; None if Pillow does not read it."""
    try:
        with derivation.opened(path) as picture:
            edges = picture.convert("L").filter(ImageFilter.FIND_EDGES)
    except ApiError:
        return None
    return {"focus": round(min(1.0, ImageStat.Stat(edges).stddev[0] / _SHARP_EDGES), 2)}


def _unknown_add_ons(params: Params) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, known in _ADD_ONS.items()
        for value in (params.text(name) or "").split("|")
        if value and not value.startswith(known)
    ]
