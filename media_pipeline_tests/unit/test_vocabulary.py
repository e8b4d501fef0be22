"""Words that carry a little more than their spelling."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest

from media_pipeline import vocabulary
from media_pipeline.vocabulary import CloudIdentity, ResourceType, Slice

ENUMERATIONS = [
    value
    for value in vars(vocabulary).values()
    if isinstance(value, type) and issubclass(value, StrEnum) and value is not StrEnum
]


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=lambda one: one.__name__)
def test_a_member_is_spelt_like_its_value(enumeration: type[StrEnum]) -> None:
    for member in enumeration:
        assert member.value == member.name.lower()
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", member.value)


def test_a_slice_is_told_as_cloudinary_writes_addresses() -> None:
    assert str(Slice(ResourceType.IMAGE, "upload")) == "image/upload"


def test_slices_have_an_order_and_are_equal_by_their_parts() -> None:
    slices = [Slice(ResourceType.VIDEO, "upload"), Slice(ResourceType.IMAGE, "upload"), Slice(ResourceType.IMAGE, "a")]

    assert [str(one) for one in sorted(slices)] == ["image/a", "image/upload", "video/upload"]
    assert len({*slices, Slice(ResourceType.VIDEO, "upload")}) == 3


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        (CloudIdentity("acme", False, "dynamic"), "acme (Cloudinary)"),
        (CloudIdentity("emu-demo", True, "fixed"), "emu-demo (emulator)"),
    ],
)
def test_a_cloud_tells_whether_it_is_the_emulator(identity: CloudIdentity, told: str) -> None:
    assert str(identity) == told
