"""The spool and the proof of notifications that the settings ask for.

Belongs here: from settings to objects. Not here: the settings themselves (``settings``).
"""

from __future__ import annotations

from media_pipeline.errors import ConfigurationError
from media_pipeline.intake.signature import Verifier, weakness_of
from media_pipeline.intake.spool import Spool
from media_pipeline.settings import Settings


def spool_of(settings: Settings) -> Spool:
    """The spool that the settings name."""
    return Spool(settings.spool, file_limit=settings.spool_file_limit, reserve_bytes=settings.spool_reserve_bytes)


def verifier_of(settings: Settings) -> Verifier:
    """What proves notifications: the secrets of the settings, else that of the cloud.

    Raises:
        ConfigurationError: there is none, or a weak one; it names the variable, never the value.
    """
    if settings.webhook_secrets:
        variable = "MEDIA_PIPELINE_WEBHOOK_SECRETS"
        secrets = {str(place): one.get_secret_value() for place, one in enumerate(settings.webhook_secrets, start=1)}
    else:
        variable = "CLOUDINARY_URL"
        cloud = settings.cloud
        secrets = {} if cloud is None else {cloud.api_key: cloud.api_secret}
    if not secrets:
        raise ConfigurationError(
            "No secret is known that could have signed a notification.",
            hint="Set CLOUDINARY_URL or MEDIA_PIPELINE_WEBHOOK_SECRETS.",
        )
    for secret in secrets.values():
        if (weakness := weakness_of(secret)) is not None:
            raise ConfigurationError(
                f"{variable} cannot be used to prove notifications: {weakness}.",
                hint="Anybody could forge them. Use the API secret that the Cloudinary console shows.",
            )
    return Verifier(secrets, takes_sha1=settings.webhook_sha1)
