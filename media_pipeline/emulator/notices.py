"""What notifications say: the members of each type, as Cloudinary's receivers know them.

Belongs here: the shapes. Not here: who gets a notification and how, see notifications and notifier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.clock import zulu
from media_pipeline.emulator.documents import Document

EVENT_TYPES = (
    "all", "upload", "delete", "delete_by_token", "rename", "move", "move_or_rename_asset_folder", "create_folder",
    "delete_folder", "resource_tags_changed", "resource_context_changed", "resource_metadata_changed",
    "resource_display_name_changed", "access_control_changed", "related_assets", "moderation", "moderation_summary",
    "eager", "error", "info", "explode", "multi", "sprite", "generate_archive", "publish", "restore_asset_version",
    "report", "invalidate_custom_cdn", "bulk_refresh_auto_fetch", "proof_status_changed",
)  # fmt: skip
# These tell neither a time nor a request.
_TIMELESS = frozenset({"delete", "delete_by_token", "moderation", "explode"})
# These tell where the change came from.
_SOURCED = frozenset({
    "create_folder", "delete_folder", "move_or_rename_asset_folder", "move", "resource_tags_changed",
    "resource_context_changed", "resource_metadata_changed", "resource_display_name_changed",
    "access_control_changed",
})  # fmt: skip

Change = tuple[Asset, Asset]


@dataclass(frozen=True, slots=True)
class Notice:
    """One event: its type, and its members besides those that all types share."""

    event_type: str
    members: Document

    @property
    def has_time(self) -> bool:
        """Whether ``timestamp`` and ``request_id`` are told."""
        return self.event_type not in _TIMELESS

    @property
    def has_source(self) -> bool:
        """Whether ``source`` is told."""
        return self.event_type in _SOURCED


def answered(event_type: str, answer: Document) -> Notice:
    """An event that tells the answer to its call: upload, multi, generate_archive; the signature is left out."""
    return Notice(event_type, {name: value for name, value in answer.items() if name != "signature"})


def removed(event_type: str, assets: Iterable[Asset]) -> Notice:
    """Assets that were deleted, published or restored, many in one message."""
    told = [
        _address(asset) | {"version": asset.version, "asset_folder": asset.asset_folder,
                           "display_name": asset.display_name}
        for asset in assets
    ]  # fmt: skip
    return Notice(event_type, {"resources": told})


def renamed(asset: Asset, from_public_id: str) -> Notice:
    """A new public id."""
    return Notice(
        "rename",
        {
            "resource_type": asset.resource_type,
            "type": asset.type,
            "asset_id": asset.asset_id,
            "asset_folder": asset.asset_folder,
            "display_name": asset.display_name,
            "from_public_id": from_public_id,
            "to_public_id": asset.public_id,
        },
    )


def folder(event_type: str, path: str) -> Notice:
    """A folder that came or went."""
    return Notice(event_type, {"folder_path": path, "folder_name": path.rpartition("/")[2]})


def folder_moved(from_path: str, to_path: str) -> Notice:
    """A folder with everything in it; there is one message, and none for its assets."""
    members: Document = {"from_path": from_path, "to_path": to_path, "status": "completed"}
    return Notice("move_or_rename_asset_folder", members)


def related(action: str, asset: Asset, succeeded: int, failed: int) -> Notice:
    """Relations that began (``add``) or ended (``delete``)."""
    members: Document = {"action_type": action, "asset_id": asset.asset_id}
    return Notice("related_assets", members | {"total_success": succeeded, "total_failed": failed})


def eager(asset: Asset, items: Sequence[Document], batch_id: str) -> Notice:
    """Derived assets that are ready."""
    names: Document = {
        "eager": list(items),
        "batch_id": batch_id,
        "asset_id": asset.asset_id,
        "public_id": asset.public_id,
    }
    return Notice("eager", names)


def failed(message: str, batch_id: str) -> Notice:
    """An asynchronous action that did not succeed."""
    return Notice("error", {"error": {"message": message}, "batch_id": batch_id})


def moderated(asset: Asset, url: str) -> Notice:
    """The verdict on one asset; a rejected one has no etag."""
    verdict = asset.moderation[-1]
    return Notice(
        "moderation",
        {
            "moderation_status": verdict["status"],
            "moderation_kind": verdict["kind"],
            "moderation_response": {},
            "moderation_updated_at": verdict["updated_at"],
            "asset_id": asset.asset_id,
            "public_id": asset.public_id,
            "uploaded_at": zulu(asset.created_at),
            "version": asset.version,
            "url": url,
            "secure_url": url,
            "etag": None if asset.placeholder else asset.etag,
        },
    )


def changed(changes: Sequence[Change]) -> list[Notice]:
    """The events of assets that are not what they were before, one for each kind of change.

    In fixed folder mode an asset moves by a rename, which has an event of its own.
    """
    return [
        notice
        for notice in (
            _listed("resource_tags_changed", changes, _tags),
            _mapped("resource_context_changed", changes, _context),
            _mapped("resource_metadata_changed", changes, _metadata),
            _mapped("resource_display_name_changed", changes, _display_name),
            _listed("access_control_changed", changes, _access_control),
            _mapped("move", changes, _move),
        )
        if notice.members["resources"]
    ]


_Aspect = Callable[[Asset, Asset], Document]


def _listed(event_type: str, changes: Sequence[Change], aspect: _Aspect) -> Notice:
    told = ((after, aspect(before, after)) for before, after in changes)
    return Notice(event_type, {"resources": [_address(after) | members for after, members in told if members]})


def _mapped(event_type: str, changes: Sequence[Change], aspect: _Aspect) -> Notice:
    """A map by public id: of two assets with one id the later wins, as in Cloudinary's."""
    told = ((after, aspect(before, after)) for before, after in changes)
    resources: Document = {}
    for after, members in told:
        if members:
            address = _address(after)
            del address["public_id"]
            resources[after.public_id] = address | members
    return Notice(event_type, {"resources": resources})


def _address(asset: Asset) -> Document:
    return {
        "resource_type": asset.resource_type,
        "type": asset.type,
        "asset_id": asset.asset_id,
        "public_id": asset.public_id,
    }


def _tags(before: Asset, after: Asset) -> Document:
    added = [tag for tag in after.tags if tag not in before.tags]
    gone = [tag for tag in before.tags if tag not in after.tags]
    return {"added": added, "removed": gone} if added or gone else {}


def _context(before: Asset, after: Asset) -> Document:
    old, new = before.context, after.context
    parts = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "updated": [name for name in new if name in old and new[name] != old[name]],
    }
    if not any(parts.values()):
        return {}
    values = {"removed": old}
    return {
        part: [{"name": name, "value": values.get(part, new)[name]} for name in names] for part, names in parts.items()
    }


def _metadata(before: Asset, after: Asset) -> Document:
    if before.metadata == after.metadata:
        return {}
    return {"previous_metadata": before.metadata, "new_metadata": after.metadata}


def _display_name(before: Asset, after: Asset) -> Document:
    if before.display_name == after.display_name:
        return {}
    return {
        "public_id": after.public_id,
        "asset_folder": after.asset_folder,
        "previous_display_name": before.display_name,
        "new_display_name": after.display_name,
    }


def _access_control(before: Asset, after: Asset) -> Document:
    if before.access_control == after.access_control:
        return {}
    return {"previous_access_control": before.access_control, "new_access_control": after.access_control}


def _move(before: Asset, after: Asset) -> Document:
    if before.asset_folder == after.asset_folder:
        return {}
    return {
        "from_asset_folder": before.asset_folder,
        "to_asset_folder": after.asset_folder,
        "display_name": after.display_name,
    }
