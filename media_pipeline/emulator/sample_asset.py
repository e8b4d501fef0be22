"""One asset of the sample library, in the words of an upload.

Belongs here: the shape of an asset and its address.
Not here: which assets there are, how their bytes come about (sample_plan).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

ResourceType = Literal["image", "video", "raw"]
DeliveryType = Literal["upload", "private", "authenticated"]
MetadataValue = str | int | list[str]


class Address(NamedTuple):
    """What a Cloudinary call without asset_id names an asset by."""

    resource_type: ResourceType
    delivery_type: DeliveryType
    public_id: str


@dataclass(frozen=True, slots=True)
class SampleAsset:
    """What one upload call takes, in the words of the Upload API (``delivery_type`` is its ``type``).

    Attributes:
        file_name: name of the uploaded file, with its extension.
        content: the bytes of the file.
        public_id: with extension for raw assets, without for the others.
        asset_folder: path of the folder in dynamic folder mode; "" is the root.
        display_name: None leaves the name to Cloudinary (last part of the public_id).
        context: key-value pairs, unescaped.
        metadata: by external_id of a field of `sample.metadata_fields`; a list for a set field, ISO dates.
        access_control: rules as the parameter of that name takes them.
        moderation: kind of moderation the asset waits for, or None.
    """

    file_name: str
    content: bytes = field(repr=False)
    resource_type: ResourceType
    delivery_type: DeliveryType
    public_id: str
    asset_folder: str = ""
    display_name: str | None = None
    tags: tuple[str, ...] = ()
    context: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    access_control: tuple[Mapping[str, str], ...] = ()
    moderation: str | None = None

    @property
    def address(self) -> Address:
        """The triple that is unique in the library."""
        return Address(self.resource_type, self.delivery_type, self.public_id)
