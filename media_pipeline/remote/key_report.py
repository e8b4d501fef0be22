"""What an API key may do, found out by trying.

Belongs here: the cheapest call for each permission that reading needs, for ``media-pipeline doctor``.
Not here: permissions to write, which no call tries without writing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from media_pipeline.errors import RemoteError, RemoteForbidden, RemoteRejectedKey
from media_pipeline.remote import calls
from media_pipeline.remote.calls import Call, RawPage
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.vocabulary import ResourceType, Slice


@dataclass(frozen=True, slots=True)
class PermissionReport:
    """One permission.

    Attributes:
        is_granted: None where the trial failed for another reason, which *detail* names.
        detail: what Cloudinary said, or empty.
    """

    permission: str
    is_granted: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class KeyReport:
    """An API key as Cloudinary sees it.

    Attributes:
        is_accepted: cloud name, key and secret belong together.
        detail: why not, or empty.
        permissions: what was tried; nothing if the key is not accepted.
    """

    cloud_name: str
    is_accepted: bool
    detail: str
    permissions: tuple[PermissionReport, ...]
    is_emulator: bool | None
    clock_skew_seconds: float | None

    @property
    def lacking(self) -> tuple[str, ...]:
        """The permissions that the key certainly lacks."""
        return tuple(report.permission for report in self.permissions if report.is_granted is False)


def describe_key(client: CloudinaryClient) -> KeyReport:
    """Try the key; costs at most 5 Admin API calls.

    Raises:
        RemoteError: the first call failed for a reason that says nothing about the key.
        WrongCloud: the emulator answers and is refused.
    """
    trials: tuple[tuple[Call, Callable[[], RawPage]], ...] = (
        (calls.CONFIG, client.config),
        (
            calls.LIST_PAGE,
            lambda: client.list_page(Slice(ResourceType.IMAGE, "upload"), cursor=None, page_size=1),
        ),
        (calls.ROOT_FOLDERS, client.root_folders),
        (calls.METADATA_FIELDS, client.metadata_fields),
    )
    detail = ""
    permissions: list[PermissionReport] = []
    try:
        client.ping()
    except RemoteRejectedKey as error:
        detail = error.reason
    except RemoteForbidden as error:
        permissions.append(PermissionReport(error.permission, False, error.reason))
    if not detail:
        permissions += [_try(call, invoke) for call, invoke in trials]
    return KeyReport(
        cloud_name=client.cloud_name,
        is_accepted=not detail,
        detail=detail,
        permissions=tuple(permissions),
        is_emulator=client.is_emulator,
        clock_skew_seconds=client.clock_skew_seconds,
    )


def _try(call: Call, invoke: Callable[[], RawPage]) -> PermissionReport:
    try:
        invoke()
    except RemoteForbidden as error:
        return PermissionReport(call.permission, False, error.reason)
    except RemoteError as error:
        return PermissionReport(call.permission, None, error.reason)
    return PermissionReport(call.permission, True, "")
