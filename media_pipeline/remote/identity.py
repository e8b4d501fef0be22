"""Who a cloud is, asked of the cloud itself.

Belongs here: reading the answer of ``GET /config``.
Not here: whether it is the right one (``ops.binding``).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from media_pipeline.errors import RemoteMalformed
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.vocabulary import CloudIdentity


class _Settings(msgspec.Struct):
    folder_mode: Literal["dynamic", "fixed"] = "dynamic"


class _Config(msgspec.Struct):
    cloud_name: str
    settings: _Settings = msgspec.field(default_factory=_Settings)


_decoder = msgspec.json.Decoder(_Config)


def identify(client: CloudinaryClient) -> CloudIdentity:
    """Ask the cloud for its name and folder mode; one Admin API call.

    Raises:
        RemoteError: it did not say.
    """
    answer = client.config()
    try:
        config = _decoder.decode(answer.body)
    except msgspec.DecodeError as error:
        raise RemoteMalformed(
            f"The configuration cannot be read: {error}", call="config", request_id=answer.request_id
        ) from error
    return CloudIdentity(config.cloud_name, bool(client.is_emulator), config.settings.folder_mode)
