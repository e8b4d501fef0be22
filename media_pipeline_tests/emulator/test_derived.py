"""Derived pictures: what is asked for is really made, kept and delivered."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from media_pipeline.emulator.control import ControlClient
from media_pipeline_tests.emulator.conftest import Upload
from media_pipeline_tests.emulator.material import film, picture


def fetched(url: str) -> Image.Image:
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 200, answer.headers.get("x-cld-error")
    return Image.open(io.BytesIO(answer.content))


def halves(width: int = 40, height: int = 20) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    made = Image.new("RGB", (width, height), "red")
    made.paste("blue", (width // 2, 0, width, height))
    target = io.BytesIO()
    made.save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("w_10", (10, 5)),
        ("c_scale,h_10,w_10", (10, 10)),
        ("c_scale,w_0.5", (20, 10)),
        ("c_scale,w_2.0", (80, 40)),
        ("c_fit,h_10,w_10", (10, 5)),
        ("c_limit,h_100,w_100", (40, 20)),
        ("c_mfit,h_30,w_10", (40, 20)),
        ("c_fill,h_10,w_10", (10, 10)),
        ("c_lfill,h_100,w_100", (20, 20)),
        ("c_pad,h_50,w_50", (50, 50)),
        ("c_lpad,h_50,w_50", (50, 50)),
        ("c_mpad,h_30,w_10", (40, 30)),
        ("c_crop,h_7,w_9", (9, 7)),
        ("c_crop,w_9", (9, 20)),
        ("ar_1:1,c_fill", (20, 20)),
        ("ar_2.0,c_fill,w_30", (30, 15)),
        ("c_thumb,h_8,w_8", (8, 8)),
        ("a_90", (20, 40)),
        ("w_10/a_90", (5, 10)),
        ("e_sepia", (40, 20)),
        ("w_auto", (40, 20)),
    ],
)
def test_a_transformation_makes_a_picture_of_its_size(upload: Upload, text: str, size: tuple[int, int]) -> None:
    [item] = upload(halves(), eager=text)["eager"]
    assert (item["width"], item["height"]) == size
    assert fetched(item["secure_url"]).size == size


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("c_crop,g_west,w_10", "red", "red"),
        ("c_crop,g_east,h_5,w_10", "blue", "blue"),
        ("c_crop,h_20,w_10,x_25,y_0", "blue", "blue"),
        ("c_fill,g_east,h_20,w_20", "blue", "blue"),
        ("a_hflip", "blue", "red"),
        ("a_180", "blue", "red"),
        ("b_rgb:00ff00,c_pad,h_20,w_80", "lime", "lime"),
    ],
)
def test_a_transformation_shows_the_right_part(upload: Upload, text: str, left: str, right: str) -> None:
    colours = {"red": (255, 0, 0), "blue": (0, 0, 255), "lime": (0, 255, 0)}
    [item] = upload(halves(), eager=text)["eager"]
    made = fetched(item["url"]).convert("RGB")
    middle = made.height // 2
    assert (made.getpixel((0, middle)), made.getpixel((made.width - 1, middle))) == (colours[left], colours[right])


@pytest.mark.parametrize(("format_", "kind"), [("jpg", "JPEG"), ("webp", "WEBP"), ("gif", "GIF"), ("bmp", "BMP")])
def test_a_transformation_converts(upload: Upload, format_: str, kind: str) -> None:
    [item] = upload(eager=[{"width": 4, "format": format_}])["eager"]
    assert (item["transformation"], item["format"]) == (f"w_4/{format_}", format_)
    assert item["url"].endswith(f".{format_}")
    assert fetched(item["url"]).format == kind


def test_a_page_of_many_may_be_asked_for(upload: Upload) -> None:
    target = io.BytesIO()
    pages = [Image.new("RGB", (6, 6), colour) for colour in ("red", "blue")]
    pages[0].save(target, "GIF", save_all=True, append_images=pages[1:])
    [second, third] = upload(target.getvalue(), eager="pg_2/png|pg_3")["eager"]
    assert fetched(second["url"]).convert("RGB").getpixel((0, 0)) == (0, 0, 255)
    assert (third["status"], third["reason"]) == ("failed", "Page 3 does not exist")


def test_an_asset_lists_what_was_derived_from_it(upload: Upload, sdk: Any) -> None:
    answer = upload(public_id="a", eager=["c_scale,w_4", "c_scale,w_5"])
    first = sdk.api.resource("a", max_results=1)
    rest = sdk.api.resource("a", max_results=1, derived_next_cursor=first["next_cursor"])
    assert "next_cursor" not in rest
    both = sorted(first["derived"] + rest["derived"], key=lambda item: item["transformation"])
    assert [(d["transformation"], d["format"], d["bytes"], d["url"]) for d in both] == [
        (e["transformation"], "png", e["bytes"], e["url"]) for e in answer["eager"]
    ]


def test_an_eager_call_may_be_repeated(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", eager="w_4")
    [first] = sdk.api.resource("a")["derived"]
    [item] = sdk.uploader.explicit("a", type="upload", eager="w_4")["eager"]
    assert item["width"] == 4
    assert sdk.api.resource("a")["derived"] == [first]


def test_other_bytes_and_deletion_remove_derived_assets(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", eager="w_4", backup=True)
    upload(picture(9, 9), public_id="a", backup=True)
    assert sdk.api.resource("a")["derived"] == []
    sdk.uploader.explicit("a", type="upload", eager="w_4")
    assert sdk.api.delete_resources(["a"])["deleted_counts"] == {"a": {"original": 1, "derived": 1}}
    assert sdk.api.resource("a")["derived"] == []


def test_derived_assets_may_be_deleted_alone(upload: Upload, sdk: Any) -> None:
    upload(public_id="a", eager="w_4|w_5|w_6")
    [one] = [d for d in sdk.api.resource("a")["derived"] if d["transformation"] == "w_4"]
    gone = sdk.api.delete_derived_resources([one["id"], "0" * 32])["deleted"]
    assert gone == {one["id"]: "deleted", "0" * 32: "not_found"}
    sdk.api.delete_derived_by_transformation(["a"], {"width": 5})
    assert [d["transformation"] for d in sdk.api.resource("a")["derived"]] == ["w_6"]
    counts = sdk.api.delete_resources(["a"], keep_original=True)["deleted_counts"]
    assert counts == {"a": {"original": 0, "derived": 1}}
    assert sdk.api.resource("a")["bytes"] == len(picture())


@pytest.mark.parametrize("data", [film(), b"<svg width='3' height='3'></svg>"])
def test_what_cannot_be_derived_says_why(upload: Upload, data: bytes) -> None:
    [item] = upload(data, resource_type="auto", eager="w_4")["eager"]
    assert item["status"] == "failed"
    assert item["reason"].startswith("The emulator derives from")


@pytest.mark.parametrize(("eager", "part"), [("w_1/folder/w_2", "folder"), ("w_4,x", "x")])
def test_an_eager_text_that_is_none_is_refused(upload: Upload, sdk: Any, eager: str, part: str) -> None:
    with pytest.raises(sdk.errors.BadRequest, match=f"Invalid transformation component - {part}"):
        upload(eager=eager)


def test_a_size_nobody_needs_is_not_made(upload: Upload) -> None:
    [item] = upload(eager="w_100000")["eager"]
    assert item["reason"].startswith("Invalid size in transformation")


def test_a_named_transformation_is_used(upload: Upload, sdk: Any) -> None:
    sdk.api.create_transformation("tiny", "c_scale,h_2,w_2")
    [item] = upload(public_id="a", eager="t_tiny")["eager"]
    assert (item["width"], item["transformation"]) == (2, "t_tiny")
    assert sdk.api.transformation("tiny")["used"] is True


def test_an_incoming_transformation_changes_the_original(upload: Upload) -> None:
    answer = upload(picture(30, 20), transformation={"width": 10, "crop": "scale"})
    assert (answer["width"], answer["height"], answer["format"]) == (10, 7, "png")
    assert fetched(answer["url"]).size == (10, 7)
    converted = upload(picture(30, 20), format="jpg", allowed_formats=["jpg"])
    assert (converted["format"], fetched(converted["url"]).format) == ("jpg", "JPEG")


def test_delivery_makes_what_it_is_asked_for(upload: Upload, sdk: Any, endpoints: Any) -> None:
    upload(public_id="a_b/c", public_id_prefix="x")
    for path in ("w_4/v1/x/a_b/c.png", "w_4/x/a_b/c.png", "w_4/x/a_b/c"):
        assert fetched(f"{endpoints.delivery_url}/image/upload/{path}").size == (4, 3)
    assert fetched(f"{endpoints.delivery_url}/image/upload/x/a_b/c.jpg").format == "JPEG"
    assert [d["transformation"] for d in sdk.api.resource("x/a_b/c")["derived"]].count("w_4") == 1


def test_a_restricted_picture_is_derived_for_signed_addresses(upload: Upload, sdk: Any, endpoints: Any) -> None:
    upload(public_id="p", type="private")
    url, _ = sdk.utils.cloudinary_url("p", format="png", type="private", sign_url=True, width=4, crop="scale")
    served = url.replace("https://res.cloudinary.com", endpoints.base_url).replace(
        "http://res.cloudinary.com", endpoints.base_url
    )
    assert fetched(served).size == (4, 3)
    unsigned = httpx.get(f"{endpoints.delivery_url}/image/private/w_4/p.png", trust_env=False)
    assert unsigned.status_code == 401


@pytest.mark.parametrize(
    ("path", "status"), [("image/upload/w_4/nobody.png", 404), ("image/upload/t_unknown/a.png", 404)]
)
def test_what_delivery_cannot_make_is_told(upload: Upload, endpoints: Any, path: str, status: int) -> None:
    upload(public_id="a")
    answer = httpx.get(f"{endpoints.delivery_url}/{path}", trust_env=False)
    assert answer.status_code == status
    assert "not found" in answer.headers["x-cld-error"]


def test_made_up_assets_have_nothing_to_derive_from(control: ControlClient, sdk: Any) -> None:
    control.bulk(5)
    asset = sdk.api.resources(type="upload")["resources"][0]
    [item] = sdk.uploader.explicit(asset["public_id"], type="upload", eager="w_4")["eager"]
    assert item["status"] == "failed"
