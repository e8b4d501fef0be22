"""What is said and asked about the content of a picture: regions, sharpness, add-ons, scripts."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import film, picture


def test_an_upload_clips_regions_to_the_picture(upload: Upload, sdk: Any) -> None:
    answer = upload(picture(241, 51), public_id="a", face_coordinates=[[120, 30, 109, 150], [1, 2, 300, 4]], faces=True)
    assert answer["faces"] == [[120, 30, 109, 51], [1, 2, 241, 4]]
    assert "faces" not in sdk.api.resource("a")


def test_later_calls_keep_regions_as_they_say(upload: Upload, sdk: Any) -> None:
    upload(picture(241, 51), public_id="a", face_coordinates=[[1, 2, 3, 4]])
    faces, custom = [[122, 32, 111, 152]], [1, 2, 3, 4]
    sdk.uploader.explicit("a", type="upload", face_coordinates=faces, custom_coordinates=custom)
    detail = sdk.api.resource("a", faces=True, coordinates=True)
    assert (detail["faces"], detail["coordinates"]) == (faces, {"faces": faces, "custom": [custom]})
    updated = sdk.api.update("a", custom_coordinates=[5, 6, 7, 8])
    assert updated["public_id"] == "a"
    assert sdk.api.resource("a", coordinates=True)["coordinates"] == {"faces": faces, "custom": [[5, 6, 7, 8]]}


def test_regions_that_are_none_are_refused(upload: Upload, sdk: Any) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="Invalid value 1,2,3 for parameter face_coordinates"):
        upload(face_coordinates="1,2,3")


def test_a_sharp_picture_has_more_focus_than_a_plain_one(upload: Upload, sdk: Any) -> None:
    stripes = Image.new("L", (64, 64))
    stripes.putdata([255 * (n // 4 % 2) for n in range(64 * 64)])
    target = io.BytesIO()
    stripes.save(target, "PNG")
    plain = upload(public_id="plain", quality_analysis=True)["quality_analysis"]["focus"]
    sharp = upload(target.getvalue(), public_id="sharp", quality_analysis=True)["quality_analysis"]["focus"]
    assert isinstance(plain, float)
    assert 0 <= plain < sharp <= 1
    assert sdk.api.resource("sharp", quality_analysis=True)["quality_analysis"] == {"focus": sharp}
    assert "quality_analysis" not in upload(film(), resource_type="video", quality_analysis=True)


@pytest.mark.parametrize("name", ["raw_convert", "categorization", "detection", "background_removal"])
def test_an_update_refuses_unknown_add_ons(upload: Upload, sdk: Any, name: str) -> None:
    upload(public_id="a")
    with pytest.raises(sdk.errors.BadRequest, match="Illegal value"):
        sdk.api.update("a", **{name: "illegal"})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raw_convert", "Raw convert is invalid"),
        ("categorization", "is not valid"),
        ("detection", "Detection invalid model 'illegal'"),
        ("background_removal", "is invalid"),
    ],
)
def test_an_upload_refuses_unknown_add_ons(upload: Upload, sdk: Any, name: str, words: str) -> None:
    with pytest.raises(sdk.errors.BadRequest, match=words):
        upload(**{name: "illegal"})
    upload(public_id="a")
    with pytest.raises(sdk.errors.BadRequest, match=words):
        sdk.uploader.explicit("a", type="upload", **{name: "illegal"})


def test_add_ons_that_exist_are_accepted(upload: Upload) -> None:
    assert (
        upload(categorization="google_tagging", detection="lvis_v1", background_removal="cloudinary_ai")["tags"] == []
    )


@pytest.mark.parametrize("name", ["eval", "on_success"])
def test_scripts_are_refused(upload: Upload, sdk: Any, name: str) -> None:
    with pytest.raises(sdk.errors.BadRequest, match=f"runs no scripts: send the upload without {name}"):
        upload(**{name: "upload_options.tags = 'x'"})
