"""The client for Cloudinary: the calls we need, and no others.

Belongs here: the official SDK (nothing else may import it), one method a call, its parameters, its result.
Not here: the way of a request (``caller``), the meaning of answers (``answers``), text formats (``encoding``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from urllib.parse import urlsplit
from uuid import uuid4

from media_pipeline.errors import ConfigurationError, RemoteRefused
from media_pipeline.remote import calls
from media_pipeline.remote.caller import Caller, Connector
from media_pipeline.remote.calls import (
    AssetsChanged,
    AssetsDeleted,
    Budget,
    CallRecord,
    FieldCreated,
    Original,
    OriginalSource,
    RawPage,
    RestoreAccepted,
    Sink,
    TagCommand,
    WrittenAsset,
)
from media_pipeline.remote.encoding import (
    MetadataValue,
    encode_context,
    encode_metadata,
    encode_tags,
    quote_folder,
    require_public_id,
)
from media_pipeline.remote.outcomes import (
    ASSET_ID,
    assets_changed,
    assets_deleted,
    field_created,
    written_asset,
)
from media_pipeline.remote.payloads import PROJECTION
from media_pipeline.settings import CloudCredentials, Settings
from media_pipeline.vocabulary import AssetId, CallPurpose, ResourceType, Slice

try:
    from cloudinary import Search, SearchFolders, api, uploader, utils  # type: ignore[import-untyped]
    from cloudinary.api_client import call_api as admin_api  # type: ignore[import-untyped]
except ValueError as error:
    # The SDK reads CLOUDINARY_URL when it is imported, whether or not anybody uses it.
    raise ConfigurationError(
        "CLOUDINARY_URL does not start with cloudinary://.",
        hint="It reads cloudinary://API_KEY:API_SECRET@CLOUD_NAME; the Cloudinary console shows yours.",
    ) from error

IDS_PER_CALL = 100
"""Assets that one call may name (API limit)."""

MESSAGES_PER_CALL = 100
"""Polled messages that one call may claim or acknowledge (API limit)."""

_FOLDERS_PER_PAGE = 500
_ETAG_FIELDS: Final = ("etag", "version", "bytes")
_DELIVERY_HOST: Final = "res.cloudinary.com"
_PART_BYTES = 20_000_000
"""Larger content is uploaded in parts: 100 MB is the limit of one request, and a request lies in memory."""
_ADDRESS_WORD = re.compile(r"[a-z0-9_]+")

admin_api._http = Connector(admin_api._http)
uploader._http = Connector(uploader._http)


class CloudinaryClient:
    """Calls to one cloud; safe to use from many threads, and beside clients of other clouds.

    Reads are tried again after transient failures, writes never. Every method raises a subclass of
    RemoteError, or WrongCloud; a failed read is never an empty answer.

    Args:
        settings: timeouts and retries.
        budget: asked before each request that costs an Admin API call, told after it.
        refuse_emulator: raise WrongCloud as soon as an answer comes from the emulator.
        on_call: told of each request, on the thread that made it.
    """

    def __init__(
        self,
        credentials: CloudCredentials,
        *,
        settings: Settings,
        budget: Budget,
        refuse_emulator: bool,
        on_call: Callable[[CallRecord], None] | None = None,
    ) -> None:
        self.cloud_name = credentials.cloud_name
        self._caller = Caller(
            cloud_name=credentials.cloud_name,
            settings=settings,
            budget=budget,
            refuse_emulator=refuse_emulator,
            on_call=on_call,
        )
        # Named in full, so that nothing of the SDK's global configuration takes effect.
        self._identity: dict[str, Any] = {
            "cloud_name": credentials.cloud_name,
            "api_key": credentials.api_key,
            "api_secret": credentials.api_secret,
            "oauth_token": None,
            "upload_prefix": credentials.upload_prefix,
            "signature_algorithm": credentials.signature_algorithm,
            "signature_version": 2,
        }

    def close(self) -> None:
        """Close the idle connections."""
        self._caller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_emulator(self) -> bool | None:
        """Whether the emulator answers; None before the first answer of an API."""
        return self._caller.is_emulator

    @property
    def clock_skew_seconds(self) -> float | None:
        """Our clock less Cloudinary's at the last answer, exact to about a second; None before it."""
        return self._caller.clock_skew_seconds

    # Reads

    def list_page(self, slice_: Slice, /, *, cursor: str | None, page_size: int) -> RawPage:
        """One page of all assets of a slice, oldest first, so that new uploads appear at the end.

        Raises:
            CursorRejected: *cursor* is no longer accepted.
        """
        return self._caller.read(
            calls.LIST_PAGE,
            CallPurpose.LISTING,
            lambda: api.resources(
                resource_type=_word(slice_.resource_type),
                type=_word(slice_.delivery_type),
                max_results=page_size,
                direction="asc",
                next_cursor=cursor,
                **PROJECTION,
                **self._identity,
            ),
            has_cursor=cursor is not None,
        )

    def read_assets(self, asset_ids: Sequence[AssetId], *, purpose: CallPurpose = CallPurpose.VERIFY) -> RawPage:
        """Up to 100 assets by id, with the fields of a listing; unknown ids are silently missing."""
        ids = _ids(asset_ids)
        return self._caller.read(
            calls.READ_ASSETS,
            purpose,
            lambda: api.resources_by_asset_ids(ids, **PROJECTION, **self._identity),
        )

    def read_etags(self, asset_ids: Sequence[AssetId], *, purpose: CallPurpose = CallPurpose.OTHER) -> RawPage:
        """MD5, version and size of up to 100 assets, where Cloudinary tells them; unknown ids are silently missing."""
        ids = _ids(asset_ids)
        return self._caller.read(
            calls.READ_ETAGS,
            purpose,
            lambda: api.resources_by_asset_ids(ids, fields=",".join(_ETAG_FIELDS), **self._identity),
        )

    def read_asset(
        self, asset_id: AssetId, *, with_etag: bool = False, purpose: CallPurpose = CallPurpose.VERIFY
    ) -> RawPage:
        """One asset in full detail; Cloudinary tells its MD5 only beside the metadata of its media.

        Raises:
            RemoteNotFound: Cloudinary itself says that there is no such asset.
        """
        _ids([asset_id])
        return self._caller.read(
            calls.READ_ASSET,
            purpose,
            lambda: api.resource_by_asset_id(asset_id, media_metadata=with_etag or None, **self._identity),
        )

    def search(
        self,
        expression: str,
        *,
        fields: Sequence[str],
        sort_by: Sequence[tuple[str, str]],
        cursor: str | None,
        max_results: int,
        purpose: CallPurpose = CallPurpose.OTHER,
    ) -> RawPage:
        """One page of a search; its index lags behind, so it gives hints and proves nothing.

        *sort_by* holds names of fields, each with ``asc`` or ``desc``.
        """
        query = Search().expression(expression).fields(list(fields)).max_results(max_results)
        for field, direction in sort_by:
            query.sort_by(field, direction)
        if cursor is not None:
            query.next_cursor(cursor)
        return self._caller.read(
            calls.SEARCH, purpose, lambda: query.execute(**self._identity), has_cursor=cursor is not None
        )

    def search_folders(self, *, cursor: str | None, max_results: int) -> RawPage:
        """One page of all folders; reaches 2,000 of them at most, by an index that lags."""
        query = SearchFolders().max_results(max_results)
        if cursor is not None:
            query.next_cursor(cursor)
        return self._caller.read(
            calls.SEARCH_FOLDERS,
            CallPurpose.FOLDERS,
            lambda: query.execute(**self._identity),
            has_cursor=cursor is not None,
        )

    def root_folders(self) -> RawPage:
        """The top folders: at most 2,000, without a cursor."""
        return self._caller.read(calls.ROOT_FOLDERS, CallPurpose.FOLDERS, lambda: api.root_folders(**self._identity))

    def subfolders(self, path: str, *, cursor: str | None) -> RawPage:
        """One page of the folders directly in the folder *path*.

        Raises:
            RemoteNotFound: there is no such folder.
        """
        quoted = quote_folder(path, call=calls.SUBFOLDERS)
        return self._caller.read(
            calls.SUBFOLDERS,
            CallPurpose.FOLDERS,
            lambda: api.subfolders(quoted, max_results=_FOLDERS_PER_PAGE, next_cursor=cursor, **self._identity),
            has_cursor=cursor is not None,
        )

    def metadata_fields(self) -> RawPage:
        """All definitions of structured metadata."""
        return self._caller.read(
            calls.METADATA_FIELDS, CallPurpose.OTHER, lambda: api.list_metadata_fields(**self._identity)
        )

    def config(self) -> RawPage:
        """Name, age and folder mode of the cloud."""
        return self._caller.read(calls.CONFIG, CallPurpose.OTHER, lambda: api.config(settings=True, **self._identity))

    def ping(self) -> RawPage:
        """The cheapest proof that the key is accepted."""
        return self._caller.read(calls.PING, CallPurpose.OTHER, lambda: api.ping(**self._identity))

    # Notifications

    def notifications(self, channel: str, *, wait_seconds: int, visibility_seconds: int) -> RawPage:
        """Claim up to 100 messages of a channel; costs no Admin API call.

        Args:
            wait_seconds: how long to wait for the first one, 0 to 60; less than the read timeout.
            visibility_seconds: time after which a message that is not acknowledged comes back, 1 to 600.
        """
        return self._caller.read(
            calls.NOTIFICATIONS,
            CallPurpose.OTHER,
            lambda: api.notifications(
                channel=channel,
                max_messages=MESSAGES_PER_CALL,
                wait_seconds=wait_seconds,
                visibility_timeout=visibility_seconds,
                **self._identity,
            ),
        )

    def acknowledge(self, receipt_handles: Sequence[str]) -> None:
        """Give up to 100 claimed messages up for good; costs no Admin API call.

        A handle that is no longer the last one of its message does nothing: the message comes back.
        """
        if not 1 <= len(receipt_handles) <= MESSAGES_PER_CALL:
            raise ValueError(f"a call acknowledges 1 to {MESSAGES_PER_CALL} messages")
        self._caller.write(calls.ACKNOWLEDGE, lambda: api.ack_notifications(list(receipt_handles), **self._identity))

    def triggers(self) -> RawPage:
        """All triggers, that is global recipients of notifications."""
        return self._caller.read(calls.TRIGGERS, CallPurpose.OTHER, lambda: api.triggers(**self._identity))

    def create_trigger(self, uri: str, *, event_type: str, uri_type: str, is_additive: bool) -> None:
        """Add a recipient; one that *is_additive* also gets events whose call names a recipient of its own."""
        members = {"uri": uri, "event_type": event_type, "uri_type": uri_type, "additive": is_additive}
        # The SDK's own function for this drops 'additive'.
        self._caller.write(
            calls.CREATE_TRIGGER, lambda: admin_api.call_json_api("post", ["triggers"], members, **self._identity)
        )

    def update_trigger(self, trigger_id: str, *, uri: str) -> None:
        """Let a trigger send to another address."""
        id_ = _word(trigger_id)
        self._caller.write(calls.UPDATE_TRIGGER, lambda: api.update_trigger(id_, uri, **self._identity))

    def delete_trigger(self, trigger_id: str) -> None:
        """Remove a trigger."""
        id_ = _word(trigger_id)
        self._caller.write(calls.DELETE_TRIGGER, lambda: api.delete_trigger(id_, **self._identity))

    # Bytes

    def sources_of(self, original: Original) -> tuple[OriginalSource, ...]:
        """Where an original can be asked for, the cheaper way first.

        Only the bound cloud's own hosts: an address that an answer names is used where it is one of them.
        """
        if original.delivery_type == "upload" and self._delivers(original.secure_url or ""):
            return OriginalSource.DELIVERY, OriginalSource.DOWNLOAD
        return (OriginalSource.DOWNLOAD,)

    def fetch_original(self, original: Original, source: OriginalSource, sink: Sink) -> None:
        """Let the bytes of an original flow into *sink*, at most as many as it has; costs no Admin API call.

        Raises:
            RemoteRefused: also for a public_id that cannot be asked for, or *source* is none of ``sources_of``.
        """
        call = calls.FETCH_ORIGINAL
        if source not in self.sources_of(original):
            raise RemoteRefused("The address is not one of this cloud", call=call.name)
        if source is OriginalSource.DELIVERY:
            address = original.secure_url or ""
        else:
            address = utils.private_download_url(
                require_public_id(original.public_id, call=call),
                original.format if original.resource_type != ResourceType.RAW else None,
                resource_type=_word(original.resource_type),
                type=_word(original.delivery_type),
                **self._identity,
            )
        self._caller.fetch(call, address, sink, size_bytes=original.size_bytes)

    def _delivers(self, address: str) -> bool:
        """Whether *address* is one of the bound cloud's delivery: Cloudinary's host, or the emulator's."""
        api_host = urlsplit(self._identity["upload_prefix"])
        found = urlsplit(address)
        name = self.cloud_name
        if (found.scheme, found.netloc) == (api_host.scheme, api_host.netloc):
            return found.path.startswith(f"/{name}/")
        if found.scheme != "https":
            return False
        return found.netloc == f"{name}-{_DELIVERY_HOST}" or (
            found.netloc == _DELIVERY_HOST and found.path.startswith(f"/{name}/")
        )

    # Writes: never repeated; RemoteOutcomeUnknown where neither done nor clearly refused

    def upload(
        self,
        content: bytes | Path,
        *,
        public_id: str,
        resource_type: ResourceType,
        delivery_type: str,
        overwrite: bool,
        asset_folder: str | None = None,
        display_name: str | None = None,
        tags: Sequence[str] = (),
        context: Mapping[str, str] | None = None,
        metadata: Mapping[str, MetadataValue] | None = None,
        access_control: Sequence[Mapping[str, str]] = (),
        moderation: str | None = None,
        file_name: str | None = None,
    ) -> WrittenAsset:
        """Store bytes under a public_id; costs no Admin API call.

        A file is read in parts of 20 MB. Without *overwrite* an asset that has the public_id already stays as
        it is, and ``is_existing`` says so. *access_control* holds rules in the words of the API, *moderation* the
        kind of review it waits for. *file_name* is kept as the original name.

        Raises:
            RemoteRefused: also for what cannot be written safely or is empty; then nothing was sent.
        """
        call = calls.UPLOAD
        parameters = {
            "public_id": require_public_id(public_id, call=call),
            "resource_type": _word(resource_type),
            "type": delivery_type,
            "overwrite": overwrite,
            "invalidate": overwrite,
            "asset_folder": asset_folder,
            "display_name": display_name,
            "tags": encode_tags(tags, call=call),
            "context": encode_context(context or {}, call=call),
            "metadata": encode_metadata(metadata or {}, call=call),
            "access_control": [dict(rule) for rule in access_control],
            "moderation": moderation,
            "upload_preset": None,
        }
        name = file_name or (content.name if isinstance(content, Path) else "file")
        answers = [
            self._caller.write(
                call,
                partial(uploader.upload, (name, part), http_headers=part_headers, **parameters, **self._identity),
            )
            for part, part_headers in _parts(content)
        ]
        if not answers:
            raise RemoteRefused(
                "Cloudinary stores no empty files", call=call.name, hint="Nothing was sent to Cloudinary."
            )
        return written_asset(call, answers[-1])

    def change_tags(
        self,
        command: TagCommand,
        tags: Sequence[str],
        *,
        public_ids: Sequence[str],
        resource_type: ResourceType,
        delivery_type: str,
    ) -> AssetsChanged:
        """Add or remove tags of up to 100 assets of one slice; costs no Admin API call."""
        call = calls.CHANGE_TAGS
        if not tags:
            raise ValueError("change_tags needs tags")
        change = uploader.add_tag if command is TagCommand.ADD else uploader.remove_tag
        return self._change(call, change, encode_tags(tags, call=call), public_ids, resource_type, delivery_type)

    def add_context(
        self,
        context: Mapping[str, str],
        *,
        public_ids: Sequence[str],
        resource_type: ResourceType,
        delivery_type: str,
    ) -> AssetsChanged:
        """Set keys of the context of up to 100 assets of one slice, leaving other keys; costs no Admin API call."""
        call = calls.ADD_CONTEXT
        if not context:
            raise ValueError("add_context needs keys")
        encoded = encode_context(context, call=call)
        return self._change(call, uploader.add_context, encoded, public_ids, resource_type, delivery_type)

    def set_metadata(
        self,
        metadata: Mapping[str, MetadataValue],
        *,
        public_ids: Sequence[str],
        resource_type: ResourceType,
        delivery_type: str,
    ) -> AssetsChanged:
        """Set fields of structured metadata of up to 100 assets of one slice; None clears one. No Admin API call."""
        call = calls.SET_METADATA
        if not metadata:
            raise ValueError("set_metadata needs fields")
        encoded = encode_metadata(metadata, call=call)
        return self._change(call, uploader.update_metadata, encoded, public_ids, resource_type, delivery_type)

    def _change(
        self,
        call: calls.Call,
        change: Callable[..., Any],
        encoded: str,
        public_ids: Sequence[str],
        resource_type: ResourceType,
        delivery_type: str,
    ) -> AssetsChanged:
        """One of the calls that change several assets by their public_ids."""
        if not 1 <= len(public_ids) <= IDS_PER_CALL:
            raise ValueError(f"{call.name} takes 1 to {IDS_PER_CALL} public_ids")
        for public_id in public_ids:
            if "," in require_public_id(public_id, call=call):
                # A server that splits lists at commas would change two other assets.
                raise RemoteRefused(f"The public_id {public_id!r} has a comma", call=call.name)
        answer = self._caller.write(
            call,
            lambda: change(
                encoded, list(public_ids), resource_type=_word(resource_type), type=delivery_type, **self._identity
            ),
        )
        return assets_changed(call, answer)

    def update(
        self,
        asset_id: AssetId,
        *,
        display_name: str | None = None,
        asset_folder: str | None = None,
        tags: Sequence[str] | None = None,
        context: Mapping[str, str] | None = None,
        metadata: Mapping[str, MetadataValue] | None = None,
        access_control: Sequence[Mapping[str, Any]] | None = None,
    ) -> WrittenAsset:
        """Set fields of one asset; None leaves a field as it is.

        *tags*, *context* and *access_control* replace all that it has, *metadata* only the fields it names (a value
        of None clears one). *asset_folder* moves it, ``""`` to the root.
        """
        call = calls.UPDATE
        _ids([asset_id])
        fields = {
            "display_name": display_name,
            "asset_folder": asset_folder,
            "tags": None if tags is None else encode_tags(tags, call=call),
            "context": None if context is None else encode_context(context, call=call),
            "metadata": None if metadata is None else encode_metadata(metadata, call=call),
            "access_control": None if access_control is None else [dict(rule) for rule in access_control],
        }
        named = {name: value for name, value in fields.items() if value is not None}
        if not named:
            raise ValueError("update needs at least one field")
        # The SDK's own function for this addresses an asset by its public_id.
        answer = self._caller.write(
            call, lambda: admin_api.call_json_api("put", ["resources", asset_id], named, **self._identity)
        )
        return written_asset(call, answer)

    def rename(
        self,
        from_public_id: str,
        to_public_id: str,
        *,
        resource_type: ResourceType,
        delivery_type: str,
        overwrite: bool = False,
    ) -> WrittenAsset:
        """Give an asset another public_id; costs no Admin API call."""
        call = calls.RENAME
        old, new = (require_public_id(name, call=call) for name in (from_public_id, to_public_id))
        answer = self._caller.write(
            call,
            lambda: uploader.rename(
                old,
                new,
                resource_type=_word(resource_type),
                type=delivery_type,
                overwrite=overwrite,
                invalidate=True,
                **self._identity,
            ),
        )
        return written_asset(call, answer)

    def delete_assets(self, asset_ids: Sequence[AssetId]) -> AssetsDeleted:
        """Delete up to 100 assets, also from the delivery network's caches."""
        call = calls.DELETE_ASSETS
        ids = _ids(asset_ids)
        answer = self._caller.write(
            call, lambda: api.delete_resources_by_asset_ids(ids, invalidate=True, **self._identity)
        )
        return assets_deleted(call, answer)

    def restore_assets(self, asset_ids: Sequence[AssetId]) -> RestoreAccepted:
        """Bring up to 100 deleted assets back from Cloudinary's backup, as far as it has one."""
        call = calls.RESTORE_ASSETS
        ids = _ids(asset_ids)
        answer = self._caller.write(call, lambda: api.restore_by_asset_ids(ids, **self._identity))
        return RestoreAccepted(answer.request_id, answer.received_at)

    def create_metadata_field(self, field: Mapping[str, object]) -> FieldCreated:
        """Define a field of structured metadata.

        Args:
            field: the definition in the words of the API: ``type``, ``label``, ``external_id``, ….
        """
        call = calls.CREATE_METADATA_FIELD
        answer = self._caller.write(call, lambda: api.add_metadata_field(dict(field), **self._identity))
        return field_created(call, answer)


def _ids(asset_ids: Sequence[AssetId]) -> list[str]:
    """The ids as a list for one call; an empty one would not mean "none" to every endpoint."""
    if not 1 <= len(asset_ids) <= IDS_PER_CALL:
        raise ValueError(f"a call takes 1 to {IDS_PER_CALL} asset ids, not {len(asset_ids)}")
    for asset_id in asset_ids:
        if not ASSET_ID.fullmatch(asset_id):
            raise ValueError(f"{asset_id!r} is not an asset id")
    return list(asset_ids)


def _word(text: str) -> str:
    """A resource type, a delivery type or the id of a trigger, fit for an address."""
    if not _ADDRESS_WORD.fullmatch(text):
        raise ValueError(f"{text!r} is neither a resource type, a delivery type nor the id of a trigger")
    return str(text)


def _parts(content: bytes | Path) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Content in pieces of a request, each with the headers that say where it belongs."""
    if isinstance(content, bytes):
        stream: BinaryIO = BytesIO(content)
        size = len(content)
    else:
        stream = content.open("rb")
        size = content.stat().st_size
    upload_id = uuid4().hex
    with stream:
        while part := stream.read(_PART_BYTES):
            end = stream.tell()
            place = f"bytes {end - len(part)}-{end - 1}/{size}"
            is_whole = len(part) == size
            yield part, {} if is_whole else {"X-Unique-Upload-Id": upload_id, "Content-Range": place}
