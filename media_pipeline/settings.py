"""All settings, their defaults and their limits; the only reader of the environment.

Belongs here: one field a setting, with the text that ``docs/settings.md`` prints.
Not here: settings that an operator changes while the system runs (table ``ops.setting``).
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from media_pipeline.errors import ConfigurationError
from media_pipeline.merge import EDITABLE_FIELDS, ConflictPolicy
from media_pipeline.vocabulary import ResourceType, Slice


class Environment(StrEnum):
    """Where this deployment runs; production refuses the emulator."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Settings of one deployment, read from ``MEDIA_PIPELINE_*`` and ``CLOUDINARY_URL``."""

    model_config = SettingsConfigDict(env_prefix="MEDIA_PIPELINE_", extra="ignore", frozen=True)

    environment: Environment = Field(
        default=Environment.DEVELOPMENT,
        description="development or production. In production the emulator is refused and CLOUDINARY_URL is needed.",
    )
    home: Path = Field(
        default=Path(".media_pipeline"),
        description="Directory of all local state: embedded Postgres, emulator, Dagster's files.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="Any Postgres 15 or later, e.g. postgresql://user:password@host:5432/media. "
        "Empty: an embedded PostgreSQL 18 under the home directory.",
    )
    dagster_database_url: SecretStr | None = Field(
        default=None,
        description="Postgres for Dagster's own tables. Empty: schema 'dagster' of the same database.",
    )
    cloudinary_url: SecretStr | None = Field(
        default=None,
        validation_alias="CLOUDINARY_URL",
        description="CLOUDINARY_URL, cloudinary://key:secret@cloud[?upload_prefix=…]. Empty: the emulator.",
    )
    delivery_types: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("upload", "private", "authenticated"),
        description="Delivery types to mirror, separated by commas.",
    )
    resource_types: Annotated[tuple[ResourceType, ...], NoDecode] = Field(
        default=(ResourceType.IMAGE, ResourceType.VIDEO, ResourceType.RAW),
        description="Resource types to mirror, separated by commas.",
    )
    listing_page_size: int = Field(default=500, ge=1, le=500, description="Assets a listing page (API limit 500).")
    listing_workers: int = Field(default=2, ge=1, le=9, description="Slices that are listed at the same time.")
    listing_budget_share: float = Field(
        default=0.7, gt=0, le=1, description="Share of the hourly Admin API allowance that listings may use."
    )
    search_overlap_seconds: float = Field(
        default=120.0,
        ge=5,
        le=86400,
        description="How far each look at recent changes reaches back into the one before. It must be more than the "
        "lag of Cloudinary's search index.",
    )
    folders_budget_share: float = Field(
        default=0.1, gt=0, le=1, description="Share of the hourly Admin API allowance that folder reads may use."
    )
    read_batch_size: int = Field(
        default=100, ge=3, le=100, description="Ids in one point read, two known to be live included (API limit 100)."
    )
    apply_workers: int = Field(default=2, ge=1, le=8, description="Pages, and batches of changes, applied at once.")
    apply_batch_size: int = Field(
        default=5000, ge=1, le=50000, description="Changes applied to media_assets in one transaction."
    )
    deletion_limit_count: int = Field(
        default=25, ge=0, description="Deletions a slice may see at once without an approval."
    )
    deletion_limit_share: float = Field(
        default=0.05, ge=0, le=1, description="The same as a share of the slice; the larger of both counts."
    )
    remote_wins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Fields whose conflicts Cloudinary wins, separated by commas, e.g. display_name,tags.",
    )
    local_wins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Fields whose conflicts the edit made here wins. In all others a person decides."
    )
    undo_seconds: float = Field(
        default=900.0, ge=0, le=604800, description="How long a deletion waits before it may be pushed, to be undone."
    )
    vault: bool = Field(
        default=None,
        validate_default=True,
        description="Whether originals are kept before they are deleted or replaced. Empty: yes with the embedded "
        "database, no with another one.",
    )
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Secrets that may have signed a notification, separated by commas: the new one and the old one "
        "while a key is changed. Empty: the API secret of CLOUDINARY_URL.",
    )
    webhook_sha1: bool = Field(
        default=None,
        validate_default=True,
        description="Whether notifications signed with SHA-1 are taken, too, not only with SHA-256. Empty: from the "
        "emulator alone.",
    )
    notification_url: str | None = Field(
        default=None,
        description="Address under which Cloudinary reaches the receiver, https://…/api/cloudinary/webhook. "
        "Empty: no webhooks are wanted.",
    )
    poll_channel: str | None = Field(
        default=None, description="Channel from which notifications are polled. Empty: none is wanted."
    )
    receiver_host: str = Field(default="127.0.0.1", description="Address that the receiver listens on.")
    receiver_port: int = Field(default=3080, ge=0, le=65535, description="Port of the receiver; 0 picks a free one.")
    receiver_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Names that the header Host may have, without a port, separated by commas. Empty: any."
    )
    receiver_body_limit_bytes: int = Field(
        default=1_048_576, ge=1, le=33_554_432, description="Largest notification that the receiver takes."
    )
    receiver_body_seconds: float = Field(
        default=10.0, gt=0, le=300, description="Time that a sender may take to send a notification."
    )
    spool: Path = Field(
        default=None,
        validate_default=True,
        description="Directory of notifications that are not in Postgres yet. Empty: 'spool' in the home directory.",
    )
    spool_file_limit: int = Field(
        default=50_000, ge=1, description="Change files that may wait in the spool before no more are taken."
    )
    spool_reserve_bytes: int = Field(
        default=268_435_456, ge=0, description="Room on the disk of the spool that is left free."
    )
    canary: bool = Field(
        default=True,
        description="Whether an asset of our own, media-pipeline/canary, is changed every ten minutes to prove that "
        "changes arrive.",
    )
    alarm_after_seconds: float = Field(
        default=3600.0,
        ge=60,
        le=604800,
        description="Age of the last proof, and of the oldest change file, that is too high.",
    )
    alarm_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Where an alarm is sent, separated by commas, as Apprise writes addresses of mail and chat, "
        "e.g. mailto://user:password@example.com,slack://token. Empty: only log and exit code tell.",
    )
    reports: Path = Field(
        default=None,
        validate_default=True,
        description="Directory of report pages and files. Empty: 'reports' in the home directory.",
    )
    reports_url: str | None = Field(
        default=None,
        description="Address under which that directory is served, for links in Dagster. Empty: 'up' serves it on this "
        "machine; without 'up' paths are shown.",
    )
    reports_port: int = Field(default=3090, ge=1, le=65535, description="Port on which 'up' serves the reports.")
    quality_sample_count: int = Field(
        default=200, ge=0, le=10_000, description="Assets that a quality report reads again, field by field."
    )
    freshness_limit_hours: float = Field(
        default=36.0, gt=0, le=8760, description="Age of the last whole listing of a slice that is too high."
    )
    retention_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days for which landed answers, change sets, attempts and runs of Dagster are kept once they are "
        "done with.",
    )
    log_retention_days: int = Field(
        default=400,
        ge=31,
        le=36_500,
        description="Days for which the audit log is kept; older months are archived as files, then removed.",
    )
    archive: Path = Field(
        default=None,
        validate_default=True,
        description="Directory of archived months of the audit log. Empty: 'archive' in the home directory.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        description="Token with which /metrics of the receiver is read, as 'Authorization: Bearer …'. Empty: it is "
        "answered to this machine alone.",
    )
    metrics_textfile: Path | None = Field(
        default=None,
        description="File in which runs leave their figures for the textfile collector of node_exporter, *.prom. "
        "Empty: none.",
    )
    cursor_restarts: int = Field(
        default=3, ge=0, le=10, description="How often a slice starts again after its cursor was rejected."
    )
    connect_timeout_seconds: float = Field(default=5.0, gt=0, le=60, description="Time to connect to Cloudinary.")
    read_timeout_seconds: float = Field(default=30.0, gt=0, le=300, description="Time to wait for an answer.")
    retries: int = Field(default=5, ge=0, le=10, description="Tries again after a transient failure of a read.")
    retry_base_seconds: float = Field(
        default=0.5, gt=0, le=60, description="First pause before trying again; it doubles, with full jitter."
    )
    rate_limit_wait_seconds: float = Field(
        default=3900.0, ge=0, le=86400, description="Longest wait for a new allowance within one run."
    )
    database_pool_size: int = Field(default=8, ge=2, le=50, description="Connections a process may hold.")
    emulator_port: int = Field(default=0, ge=0, le=65535, description="Port of the emulator; 0 picks a free one.")
    dagster_port: int = Field(default=3000, ge=1, le=65535, description="Port of the Dagster web page.")
    log_level: str = Field(default="warning", description="debug, info, warning or error.")
    log_json: bool = Field(default=False, description="Logs as one JSON object a line.")

    @field_validator(
        *("delivery_types", "resource_types", "remote_wins", "local_wins", "receiver_allowed_hosts", "alarm_urls"),
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("delivery_types", "resource_types")
    @classmethod
    def _not_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one")
        if len(set(value)) != len(value):
            raise ValueError("each may be named once")
        return value

    @field_validator("remote_wins", "local_wins")
    @classmethod
    def _editable_fields(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in EDITABLE_FIELDS:
                raise ValueError(f"{name!r} cannot be edited; fields are {', '.join(sorted(EDITABLE_FIELDS))}")
        return value

    @field_validator("vault", mode="before")
    @classmethod
    def _on_where_all_is_here(cls, value: Any, info: ValidationInfo) -> Any:
        return info.data.get("database_url") is None if value in (None, "") else value

    @field_validator("webhook_secrets", mode="before")
    @classmethod
    def _split_secrets(cls, value: Any) -> Any:
        # Not stripped: a line break at the end is a mistake to be told of, not to be mended in silence.
        return tuple(value.split(",")) if isinstance(value, str) and value else value or ()

    @field_validator("webhook_sha1", mode="before")
    @classmethod
    def _from_the_emulator(cls, value: Any, info: ValidationInfo) -> Any:
        if value not in (None, ""):
            return value
        url = info.data.get("cloudinary_url")
        # Names of clouds that begin so are the emulator's.
        return url is None or (urlsplit(url.get_secret_value()).hostname or "").startswith("emu-")

    @field_validator("notification_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/]+/\S*", value):
            raise ValueError("it reads https://HOST/api/cloudinary/webhook")
        return value

    @field_validator("poll_channel")
    @classmethod
    def _channel_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}", value):
            raise ValueError("a channel is a name of letters, digits, '_', '-', '.' and '/'")
        return value

    @field_validator("spool", "reports", "archive", mode="before")
    @classmethod
    def _in_the_home(cls, value: Any, info: ValidationInfo) -> Any:
        return info.data["home"] / str(info.field_name) if value in (None, "") and "home" in info.data else value

    @field_validator("reports_url")
    @classmethod
    def _address_of_a_directory(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
            raise ValueError("it reads https://HOST/reports")
        return value if value is None else value.rstrip("/")

    @field_validator("metrics_token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("a token has 16 characters or more")
        return value

    @field_validator("local_wins")
    @classmethod
    def _one_winner(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in value:
            if name in info.data.get("remote_wins", ()):
                raise ValueError(f"{name!r} cannot be won by both sides")
        return value

    @field_validator("delivery_types")
    @classmethod
    def _words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[a-z0-9_]+", name):
                raise ValueError(f"{name!r} is no delivery type; they read upload, private, authenticated, …")
        return value

    @field_validator(
        *("database_url", "dagster_database_url", "cloudinary_url", "notification_url", "poll_channel"),
        *("reports_url", "metrics_token", "metrics_textfile"),
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            raise ValueError("use debug, info, warning or error")
        return value.lower()

    @property
    def slices(self) -> tuple[Slice, ...]:
        """Every slice that is mirrored, in a fixed order."""
        return tuple(Slice(rt, dt) for rt in self.resource_types for dt in self.delivery_types)

    def conflict_policy(self, field: str) -> ConflictPolicy:
        """Who wins where both sides changed *field*, a column of media_assets."""
        if field in self.remote_wins:
            return ConflictPolicy.REMOTE_WINS
        return ConflictPolicy.LOCAL_WINS if field in self.local_wins else ConflictPolicy.MANUAL

    @property
    def cloud(self) -> CloudCredentials | None:
        """The configured cloud, or None where the emulator stands in."""
        return None if self.cloudinary_url is None else CloudCredentials.parse(self.cloudinary_url.get_secret_value())

    @property
    def hears(self) -> bool:
        """Whether notifications are wanted, by webhook or by poll; otherwise changes are found by asking alone."""
        return self.notification_url is not None or self.poll_channel is not None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for the masking of logs."""
        found = []
        if self.cloudinary_url is not None:
            found.append(CloudCredentials.parse(self.cloudinary_url.get_secret_value()).api_secret)
        found += [secret.get_secret_value() for secret in self.webhook_secrets]
        for url in (self.database_url, self.dagster_database_url):
            if url is None:
                continue
            parts = urlsplit(url.get_secret_value())
            # libpq takes a password among the options, too.
            found += [unquote(parts.password or ""), *parse_qs(parts.query).get("password", [])]
        found += [url.get_secret_value() for url in self.alarm_urls]
        if self.metrics_token is not None:
            found.append(self.metrics_token.get_secret_value())
        return tuple(filter(None, found))


class CloudCredentials:
    """The parts of a CLOUDINARY_URL."""

    __slots__ = ("api_key", "api_secret", "cloud_name", "signature_algorithm", "upload_prefix")

    def __init__(
        self, *, cloud_name: str, api_key: str, api_secret: str, upload_prefix: str, signature_algorithm: str = "sha1"
    ) -> None:
        self.signature_algorithm = signature_algorithm
        self.cloud_name = cloud_name
        self.api_key = api_key
        self.api_secret = api_secret
        self.upload_prefix = upload_prefix

    def __repr__(self) -> str:
        return f"CloudCredentials(cloud_name={self.cloud_name!r}, api_key={self.api_key!r})"

    @classmethod
    def parse(cls, url: str) -> CloudCredentials:
        """Take a CLOUDINARY_URL apart.

        Raises:
            ConfigurationError: the text is not of the form ``cloudinary://key:secret@cloud``.
        """
        parts = urlsplit(url)
        hint = "It reads cloudinary://API_KEY:API_SECRET@CLOUD_NAME; the Cloudinary console shows yours."
        if parts.scheme != "cloudinary":
            raise ConfigurationError("CLOUDINARY_URL does not start with cloudinary://.", hint=hint)
        if not parts.hostname or not parts.username or not parts.password:
            raise ConfigurationError("CLOUDINARY_URL lacks the cloud name, the API key or the secret.", hint=hint)
        options = parse_qs(parts.query)
        prefix = options.get("upload_prefix", ["https://api.cloudinary.com"])[-1].rstrip("/")
        algorithm = options.get("signature_algorithm", ["sha1"])[-1]
        if algorithm not in {"sha1", "sha256"}:
            raise ConfigurationError("signature_algorithm in CLOUDINARY_URL is neither sha1 nor sha256.", hint=hint)
        if not prefix.startswith(("https://", "http://")):
            raise ConfigurationError("upload_prefix in CLOUDINARY_URL is not a web address.", hint=hint)
        return cls(
            cloud_name=parts.hostname,
            api_key=unquote(parts.username),
            api_secret=unquote(parts.password),
            upload_prefix=prefix,
            signature_algorithm=algorithm,
        )


def load(**overrides: Any) -> Settings:
    """Read the settings once.

    Args:
        overrides: field names and values that beat the environment.

    Raises:
        ConfigurationError: naming every wrong variable, never its value.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(
            f"{_variable(str(part['loc'][0]))}: {part['msg'].removeprefix('Value error, ')}" for part in error.errors()
        )
        raise ConfigurationError(
            f"Settings cannot be used: {problems}.", hint="docs/settings.md describes every setting."
        ) from None
    if settings.environment is Environment.PRODUCTION:
        if settings.cloudinary_url is None:
            raise ConfigurationError(
                "In production CLOUDINARY_URL must be set.", hint="The emulator is for development."
            )
        cloud = settings.cloud
        if cloud is not None and not _is_cloudinary_host(cloud.upload_prefix):
            raise ConfigurationError(
                "In production upload_prefix must be a Cloudinary API host over https.",
                hint="Remove upload_prefix from CLOUDINARY_URL, or leave production mode to use the emulator.",
            )
    return settings


def _is_cloudinary_host(prefix: str) -> bool:
    return prefix in {
        "https://api.cloudinary.com",
        "https://api-eu.cloudinary.com",
        "https://api-ap.cloudinary.com",
    }


def _variable(field: str) -> str:
    return field if field == "CLOUDINARY_URL" else f"MEDIA_PIPELINE_{field.upper()}"


def child_environment(**changes: str) -> dict[str, str]:
    """The environment for a process that we start: ours, with *changes*."""
    return {**os.environ, **changes}
