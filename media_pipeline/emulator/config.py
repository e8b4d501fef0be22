"""What an emulator is started with, what it announces, and what may be changed while it runs.

Belongs here: start configuration, endpoints, run-time settings. Not here: reading the environment (callers do).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

CLOUD_PREFIX = "emu-"
API_KEY = "123456789012345"
# Obviously fake, and 27 characters long like a real one.
API_SECRET = "emulator-secret-not-a-real1"  # noqa: S105
HEADER = "X-Media-Pipeline-Emulator"
# A call with this header is told as a change in Cloudinary's console, by the user it names.
USER_HEADER = f"{HEADER}-User"

FolderMode = Literal["dynamic", "fixed"]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; the emulator reaches no other."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class EmulatorConfig:
    """How one emulator is started.

    Attributes:
        state_directory: Database and originals; created if missing, reused if present.
        cloud_name: Gets the prefix ``emu-`` unless it has it; always lower case, as in a ``CLOUDINARY_URL``.
        port: 0 reuses the port of the last start if it is free, else takes any free one.
        quota_per_hour: Admin API calls allowed in one clock hour.
        backup: Whether uploads are backed up unless the call says otherwise.
        environment: Name of the deployment's environment; ``production`` is refused.
        control_token: Bearer token of the control API; a random one if empty.
    """

    state_directory: Path
    cloud_name: str
    port: int = 0
    api_key: str = API_KEY
    api_secret: str = field(default=API_SECRET, repr=False)
    quota_per_hour: int = 5000
    folder_mode: FolderMode = "dynamic"
    backup: bool = False
    host: str = "127.0.0.1"
    environment: str = ""
    control_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        name = self.cloud_name.lower()
        object.__setattr__(self, "cloud_name", name if name.startswith(CLOUD_PREFIX) else CLOUD_PREFIX + name)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a running emulator is reached.

    Attributes:
        cloudinary_url: Value for ``CLOUDINARY_URL``; carries the upload prefix.
        base_url: ``http://127.0.0.1:PORT``, without a slash at the end.
        delivery_url: Root of delivery URLs, that is the base and the cloud name.
    """

    cloudinary_url: str
    base_url: str
    delivery_url: str
    control_token: str = field(repr=False)
    cloud_name: str

    @classmethod
    def of(cls, config: EmulatorConfig, port: int, control_token: str) -> Endpoints:
        """The endpoints of an emulator that listens on a port."""
        base_url = f"http://{config.host}:{port}"
        credentials = f"{quote(config.api_key, safe='')}:{quote(config.api_secret, safe='')}"
        query = urlencode({"upload_prefix": base_url}, safe=":/")
        return cls(
            cloudinary_url=f"cloudinary://{credentials}@{config.cloud_name}?{query}",
            base_url=base_url,
            delivery_url=f"{base_url}/{config.cloud_name}",
            control_token=control_token,
            cloud_name=config.cloud_name,
        )


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """What the control API may change while the emulator runs; a restart takes the start configuration again.

    Attributes:
        quota_per_hour: Admin API calls allowed in one clock hour.
        by_asset_ids_limit: Ids one call of ``by_asset_ids`` accepts; sources differ between 10 and 100.
        backup: Whether uploads are backed up by default.
        keep_metadata_on_overwrite: Whether tags, context and metadata survive an overwrite with other bytes.
        clock_offset_seconds: Added to the wall clock.
        delete_limit: Originals one call deletes by prefix, tag or ``all``; the rest is left to the next call.
        search_lag_seconds: How long search shows what was before a change.
        folder_lag_seconds: The same for folder lists and folder search.
        notification_algorithm: Hash of the signature of notifications.
        webhook_timeout_seconds: How long a receiver may take to answer.
        oauth_tokens: Bearer tokens accepted in place of key and secret.
    """

    quota_per_hour: int = 5000
    by_asset_ids_limit: int = 100
    backup: bool = False
    keep_metadata_on_overwrite: bool = True
    clock_offset_seconds: float = 0.0
    delete_limit: int = 1000
    search_lag_seconds: float = 0.0
    folder_lag_seconds: float = 0.0
    notification_algorithm: Literal["sha1", "sha256"] = "sha1"
    webhook_timeout_seconds: float = 10.0
    oauth_tokens: list[str] = []
