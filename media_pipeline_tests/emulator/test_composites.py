"""Pictures made of other things: texts, animations, pages."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import picture


def fetched(url: str) -> Image.Image:
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 200, answer.headers.get("x-cld-error")
    return Image.open(io.BytesIO(answer.content))


def animation(*colours: str) -> bytes:
    target = io.BytesIO()
    first, *others = (Image.new("RGB", (6, 4), colour) for colour in colours)
    first.save(target, "GIF", save_all=True, append_images=others)
    return target.getvalue()


def test_a_text_becomes_a_picture(sdk: Any) -> None:
    small = sdk.uploader.text("hello world", public_id="words", font_size=10)
    large = sdk.uploader.text("hello world", public_id="words", font_size=40, font_color="red", background="rgb:00ff00")
    assert (small["type"], small["public_id"], small["asset_id"]) == ("text", "words", large["asset_id"])
    assert large["width"] > small["width"] > 1
    made = fetched(large["url"]).convert("RGB")
    colours = {colour for _, colour in made.getcolors(100_000) or []}
    assert {(255, 0, 0), (0, 255, 0)} <= colours
    assert sdk.api.resources(type="text")["resources"][0]["public_id"] == "words"


def test_images_with_a_tag_become_an_animation(upload: Upload, sdk: Any) -> None:
    upload(picture(8, 6, "red"), public_id="a", tags="walk")
    upload(picture(4, 6, "blue"), public_id="b", tags="walk")
    answer = sdk.uploader.multi(tag="walk")
    assert (answer["public_id"], answer["url"][-4:]) == ("walk", ".gif")
    made = fetched(answer["url"])
    assert (getattr(made, "n_frames", 1), made.size) == (2, (8, 6))


def test_an_animation_may_be_transformed_converted_and_named(upload: Upload, sdk: Any) -> None:
    urls = [upload(picture(8, 6, colour))["url"] for colour in ("red", "blue")]
    small = sdk.uploader.multi(urls=urls, crop="scale", width=4)
    assert fetched(small["secure_url"]).size == (4, 3)
    document = sdk.uploader.multi(urls=urls, width=4, format="pdf", public_id="sheet")
    assert (document["public_id"], document["url"].rpartition("/")[2]) == ("sheet", "sheet.pdf")
    assert httpx.get(document["url"], trust_env=False).content.startswith(b"%PDF")


def test_an_animation_needs_images_of_one_kind_of_source(sdk: Any, http: httpx.Client) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="No images found for tag nobody"):
        sdk.uploader.multi(tag="nobody")
    assert http.post("/image/multi").json()["error"]["message"] == "Either 'tag' or 'urls' must be given"


def test_pages_are_derived_one_by_one(upload: Upload, sdk: Any) -> None:
    upload(animation("red", "blue", "lime"), public_id="a")
    answer = sdk.uploader.explode("a", page="all", format="png")
    assert answer["status"] == "processing"
    assert len(answer["batch_id"]) == 32
    pages = {d["transformation"]: d for d in sdk.api.resource("a")["derived"]}
    assert sorted(pages) == ["pg_1/png", "pg_2/png", "pg_3/png"]
    assert fetched(pages["pg_2/png"]["url"]).convert("RGB").getpixel((0, 0)) == (0, 0, 255)


def test_what_is_never_made_is_refused(sdk: Any) -> None:
    with pytest.raises(sdk.errors.BadRequest, match="Sprites are not made by the emulator"):
        sdk.uploader.generate_sprite(tag="x")
    with pytest.raises(sdk.errors.BadRequest, match="Slideshows are not made by the emulator"):
        sdk.uploader.create_slideshow(manifest_json={"w": 1})
