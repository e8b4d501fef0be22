"""Slices that the cloud has and nobody lists.

Belongs here: asking the search for delivery types outside of the setting.
Not here: walking slices (``listing.walk``).

The search index lags, so its answer is an alarm for people and never content.
"""

from __future__ import annotations

import msgspec
import structlog

from media_pipeline.errors import RemoteMalformed
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.settings import Settings

log = structlog.get_logger()


class _Found(msgspec.Struct):
    resource_type: str
    type: str


class _SearchPage(msgspec.Struct):
    resources: list[_Found]


_decoder = msgspec.json.Decoder(_SearchPage)


def find_unlisted(client: CloudinaryClient, settings: Settings) -> tuple[str, ...]:
    """Slices with assets whose delivery type no setting names, as ``image/fetch``; one Admin API call.

    At most 500 assets are looked at: enough to raise the alarm, not a complete list.

    Raises:
        RemoteError: the search could not be asked; that is no empty answer.
    """
    listed = " OR ".join(f"type={name}" for name in settings.delivery_types)
    answer = client.search(
        f"NOT ({listed})",
        fields=["resource_type", "type"],
        sort_by=[("created_at", "desc")],
        cursor=None,
        max_results=500,
    )
    try:
        found = _decoder.decode(answer.body).resources
    except msgspec.DecodeError as error:
        raise RemoteMalformed(
            f"The search answer cannot be read: {error}", call="search", request_id=answer.request_id
        ) from error
    unlisted = tuple(sorted({f"{one.resource_type}/{one.type}" for one in found}))
    if unlisted:
        log.warning("unlisted_delivery_types", slices=unlisted)
    return unlisted
