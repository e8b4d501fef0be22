"""The proof that a notification comes from Cloudinary.

Belongs here: the grammar of signature and timestamp, the comparison, which secrets may be used.
Not here: where the texts come from (``intake.receiver``, ``polling``). Pure: no clock, no settings, no I/O.

Cloudinary signs ``hex(hash(body + timestamp + api_secret))``, without separators and, in spite of the vendor's text,
without HMAC. Since nothing separates the parts, a strict grammar has to: a timestamp is ten digits, so that none can
move from it to the body or back. The official SDK's own check accepts a timestamp of any form and of any future, and
compares in a time that depends on the secret.
Source: ``cloudinary.utils`` 1.46 and https://cloudinary.com/documentation/notification_signatures

SHA-1 is refused unless a setting takes it: bodies that collide before the secret have the same signature.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from media_pipeline.errors import SignatureRejected

PAST_SECONDS: Final = 7200
"""Age that a message may have; Cloudinary tries three times within nine minutes."""
FUTURE_SECONDS: Final = 300
SECRET_LENGTH: Final = 16
"""The shortest secret that is used: with an empty one everybody could sign."""

_TIMESTAMP: Final = re.compile(rb"[0-9]{10}")
_SHA256: Final = re.compile(rb"[0-9a-f]{64}")
_SHA1: Final = re.compile(rb"[0-9a-f]{40}")
# Long words only, since a real secret is random and may hold any short one.
_EXAMPLE: Final = re.compile(r"<.*>|your[-_].*|.*(example|changeme|api[-_]?secret).*", re.IGNORECASE)


def weakness_of(secret: str) -> str | None:
    """Why a secret must not be used, in words that do not show it; None if nothing speaks against it."""
    if len(secret) < SECRET_LENGTH:
        return f"a secret is shorter than {SECRET_LENGTH} characters"
    if not re.fullmatch(r"[!-~]+", secret):
        return "a secret has spaces, line breaks or other characters than printable ASCII"
    return "a secret is the text of an example" if _EXAMPLE.fullmatch(secret) else None


class Verifier:
    """Proves messages with any of the configured secrets.

    Args:
        secrets: by the name under which ``verify`` tells which one it was.
        takes_sha1: whether SHA-1 signatures count as well.
    """

    def __init__(self, secrets: Mapping[str, str], *, takes_sha1: bool) -> None:
        weak = [name for name, secret in secrets.items() if weakness_of(secret)]
        if weak or not secrets:
            raise ValueError(f"no secrets to verify with, or weak ones: {weak}")
        self._secrets = {name: secret.encode() for name, secret in secrets.items()}
        self._takes_sha1 = takes_sha1

    def require_form(self, timestamp: bytes, signature: bytes, *, now: datetime | None) -> None:
        """See that both texts can be those of Cloudinary; costs next to nothing, so it comes before the body.

        Args:
            now: UTC; None where the age of a message proves nothing, since the way it came is proved itself.

        Raises:
            SignatureRejected: one has another form, or the message is too old or of the future.
        """
        if not _TIMESTAMP.fullmatch(timestamp):
            raise SignatureRejected("the timestamp is not a time in seconds")
        if _SHA1.fullmatch(signature) and not self._takes_sha1:
            raise SignatureRejected(
                "it is signed with SHA-1, which is not taken here: have the cloud sign with SHA-256, or set "
                "MEDIA_PIPELINE_WEBHOOK_SHA1"
            )
        if not (_SHA256.fullmatch(signature) or _SHA1.fullmatch(signature)):
            raise SignatureRejected("the signature is not one in hexadecimal digits")
        if now is not None and not -PAST_SECONDS <= int(timestamp) - now.timestamp() <= FUTURE_SECONDS:
            raise SignatureRejected("the timestamp is too old or of the future")

    def verify(self, body: bytes, timestamp: bytes, signature: bytes, *, now: datetime | None) -> str:
        """Prove a message.

        Every secret is tried whatever the others gave, and compared in constant time.

        Args:
            body: raw, exactly the bytes that came.
            timestamp: of the header ``X-Cld-Timestamp``.
            signature: of the header ``X-Cld-Signature``.
            now: as for ``require_form``.

        Returns:
            The name of the secret that signed it.

        Raises:
            SignatureRejected: none of the secrets did.
        """
        self.require_form(timestamp, signature, now=now)
        signed = hashlib.new("sha256" if len(signature) == 64 else "sha1", body + timestamp)
        proved_by = None
        for name, secret in self._secrets.items():
            attempt = signed.copy()
            attempt.update(secret)
            if hmac.compare_digest(attempt.hexdigest().encode(), signature):
                proved_by = name
        if proved_by is None:
            raise SignatureRejected("no configured secret made this signature")
        return proved_by
