"""The sample library and its outsiders, brought into a cloud through the API as anybody else would.

Belongs here: uploads in parallel, each kind of change as calls of the client.
Not here: what the library holds and what the outsiders do (``emulator.sample``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec

from media_pipeline.emulator import sample
from media_pipeline.emulator.sample import Address, OutsiderChange, SampleAsset
from media_pipeline.errors import RemoteNotFound
from media_pipeline.progress import Progress
from media_pipeline.remote.calls import TagCommand
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.vocabulary import AssetId, ResourceType, Slice

_UPLOADS_AT_ONCE = 4
_WAITING_AT_MOST = 16
"""Assets that are made but not sent yet; their bytes lie in memory."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What `upload` did; ``existing`` assets were there already and stayed as they are."""

    assets: int
    existing: int
    size_bytes: int
    metadata_fields: int


class _MetadataFields(msgspec.Struct):
    metadata_fields: list[dict[str, Any]]


class _Named(msgspec.Struct):
    asset_id: str
    public_id: str
    context: dict[str, Any] = {}


class _Page(msgspec.Struct):
    resources: list[_Named]
    next_cursor: str | None = None


def upload(client: CloudinaryClient, *, progress: Progress, count: int | None = None) -> Uploaded:
    """Define the metadata fields of the sample library, then upload its assets; what is there already stays.

    Args:
        count: how many assets from the start; None for all.

    Raises:
        RemoteError: an upload failed; those before it stay.
    """
    defined = msgspec.json.decode(client.metadata_fields().body, type=_MetadataFields).metadata_fields
    known_fields = {field["external_id"] for field in defined}
    new_fields = [field for field in sample.metadata_fields() if field["external_id"] not in known_fields]
    for field in new_fields:
        client.create_metadata_field(field)
    existing = 0
    total = size = 0
    with ThreadPoolExecutor(max_workers=_UPLOADS_AT_ONCE, thread_name_prefix="upload") as pool:
        for asset, is_existing in _in_order(pool, client, sample.assets(count)):
            total, size, existing = total + 1, size + len(asset.content), existing + is_existing
            progress.advance("upload", done=1, total=count)
    return Uploaded(total - existing, existing, size, len(new_fields))


def _in_order(
    pool: ThreadPoolExecutor, client: CloudinaryClient, assets: Iterator[SampleAsset]
) -> Iterator[tuple[SampleAsset, bool]]:
    """Upload while the next ones are being made, a bounded number ahead."""
    waiting: list[tuple[SampleAsset, Future[bool]]] = []
    for asset in assets:
        waiting.append((asset, pool.submit(_upload_one, client, asset)))
        if len(waiting) >= _WAITING_AT_MOST:
            first, sent = waiting.pop(0)
            yield first, sent.result()
    for asset, sent in waiting:
        yield asset, sent.result()


def _upload_one(client: CloudinaryClient, asset: SampleAsset) -> bool:
    written = client.upload(
        asset.content,
        public_id=asset.public_id,
        resource_type=ResourceType(asset.resource_type),
        delivery_type=asset.delivery_type,
        overwrite=False,
        asset_folder=asset.asset_folder,
        display_name=asset.display_name,
        tags=asset.tags,
        context=asset.context,
        metadata=asset.metadata,
        access_control=asset.access_control,
        moderation=asset.moderation,
        file_name=asset.file_name,
    )
    return written.is_existing


def change(client: CloudinaryClient, tell: Callable[[str, str], None]) -> int:
    """Do to the library what the outsiders of the sample do to it.

    Args:
        tell: called with what is done and to which public_id, after each change.

    Returns:
        How many changes were made.

    Raises:
        RemoteError: a change failed, e.g. because it was made before; those before it stay.
    """
    changes = sample.outsider_changes()
    outsider = _Outsider(client)
    for one in changes:
        tell(*outsider.do(one))
    return len(changes)


class _Outsider:
    """Somebody with a key of their own, who knows assets by their names."""

    def __init__(self, client: CloudinaryClient) -> None:
        self._client = client
        self._known: dict[Address, _Named] = {}

    def do(self, one: OutsiderChange) -> tuple[str, str]:
        """Make one change; returns what was done, and to which public_id."""
        client = self._client
        match one:
            case sample.UploadNew(asset):
                _upload_one(client, asset)
                return "uploads", asset.public_id
            case sample.Overwrite(address, file_name, content):
                client.upload(
                    content,
                    public_id=address.public_id,
                    resource_type=ResourceType(address.resource_type),
                    delivery_type=address.delivery_type,
                    overwrite=True,
                    file_name=file_name,
                )
                return "replaces the file of", address.public_id
            case sample.ChangeTags(address, add, remove):
                for command, tags in ((TagCommand.ADD, add), (TagCommand.REMOVE, remove)):
                    client.change_tags(
                        command,
                        tags,
                        public_ids=[address.public_id],
                        resource_type=ResourceType(address.resource_type),
                        delivery_type=address.delivery_type,
                    )
                return "tags", address.public_id
            case sample.ChangeContext(address, context):
                named = self._find(address)
                client.update(AssetId(named.asset_id), context={**named.context.get("custom", {}), **context})
                return "describes", address.public_id
            case sample.ChangeMetadata(address, metadata):
                client.update(AssetId(self._find(address).asset_id), metadata=metadata)
                return "sets metadata of", address.public_id
            case sample.ChangeDisplayName(address, display_name):
                client.update(AssetId(self._find(address).asset_id), display_name=display_name)
                return "gives another display name to", address.public_id
            case sample.Rename(address, to_public_id):
                client.rename(
                    address.public_id,
                    to_public_id,
                    resource_type=ResourceType(address.resource_type),
                    delivery_type=address.delivery_type,
                )
                return "renames", f"{address.public_id} → {to_public_id}"
            case sample.Move(address, asset_folder):
                client.update(AssetId(self._find(address).asset_id), asset_folder=asset_folder)
                return "moves", f"{address.public_id} → {asset_folder}"
            case sample.Delete(address):
                client.delete_assets([AssetId(self._find(address).asset_id)])
                return "deletes", address.public_id
        assert_never(one)

    def _find(self, address: Address) -> _Named:
        if address not in self._known:
            self._read_slice(Slice(ResourceType(address.resource_type), address.delivery_type))
        try:
            return self._known[address]
        except KeyError:
            raise RemoteNotFound(f"There is no {address.public_id!r} any more", call="list_page") from None

    def _read_slice(self, slice_: Slice) -> None:
        cursor: str | None = None
        while True:
            answer = self._client.list_page(slice_, cursor=cursor, page_size=500)
            page = msgspec.json.decode(answer.body, type=_Page)
            for named in page.resources:
                address = sample.Address(slice_.resource_type.value, slice_.delivery_type, named.public_id)  # type: ignore[arg-type]
                self._known[address] = named
            cursor = page.next_cursor
            if cursor is None:
                return
