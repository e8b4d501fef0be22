"""Signatures and credentials, computed by the emulator's own code as an independent witness of the SDK.

Belongs here: request, response and delivery signatures, Basic credentials. Not here: who must present them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from media_pipeline.emulator.clock import offset_form
from media_pipeline.emulator.errors import bad_request, unauthorized

STALE_AFTER_SECONDS = 3600
UNSIGNED = frozenset({"file", "cloud_name", "resource_type", "api_key", "signature"})
# The tags, context and metadata actions accept these outside the signature.
OPTIONALLY_SIGNED = frozenset({"notification_url", "batch_id"})
_HASHES = {40: "sha1", 64: "sha256"}

Signable = Mapping[str, str | Sequence[str]]


def string_to_sign(parameters: Signable, version: int = 2) -> str:
    """The text a signature covers: non-empty parameters as sorted ``key=value``; version 2 escapes ``&``."""
    pairs = []
    for key, value in parameters.items():
        text = value if isinstance(value, str) else ",".join(value)
        if text and key not in UNSIGNED:
            pair = f"{key}={text}"
            pairs.append(pair.replace("&", "%26") if version >= 2 else pair)
    return "&".join(sorted(pairs))


def sign(parameters: Signable, secret: str, algorithm: str = "sha1", version: int = 2) -> str:
    """The lower-case hex signature of parameters."""
    text = string_to_sign(parameters, version) + secret
    return hashlib.new(algorithm, text.encode()).hexdigest()


def response_signature(public_id: str, version: int, secret: str) -> str:
    """The signature an upload answer carries: over public id and version alone."""
    return sign({"public_id": public_id, "version": str(version)}, secret)


def delivery_signature(source: str, secret: str) -> str:
    """The eight characters inside ``s--…--`` of a delivery URL; `source` is the quoted id with its format."""
    digest = hashlib.sha1((source + secret).encode()).digest()
    return base64.urlsafe_b64encode(digest)[:8].decode()


def check_request_signature(parameters: Signable, key: str, secret: str, now: float) -> None:
    """Accept versions 1 and 2 with SHA-1 or SHA-256; neither choice is transmitted.

    Raises:
        ApiError: 401 for a wrong key or signature, 400 for a missing or stale timestamp.
    """
    given_key, given, timestamp = (str(parameters.get(name, "")) for name in ("api_key", "signature", "timestamp"))
    if given_key != key:
        raise unauthorized(f"Invalid api_key {given_key}" if given_key else "Must supply api_key")
    if not given:
        raise unauthorized("Must supply signature")
    if not timestamp.isdigit():
        raise bad_request("Missing required parameter - timestamp")
    algorithm = _HASHES.get(len(given), "sha1")
    without_optional = {name: value for name, value in parameters.items() if name not in OPTIONALLY_SIGNED}
    expected = (
        sign(signed, secret, algorithm, version) for version in (2, 1) for signed in (parameters, without_optional)
    )
    if not any(hmac.compare_digest(given.encode(), signature.encode()) for signature in expected):
        raise unauthorized(f"Invalid Signature {given}. String to sign - '{string_to_sign(parameters)}'.")
    check_timestamp(int(timestamp), now)


def check_timestamp(timestamp: int, now: float) -> None:
    """Refuse a timestamp older than an hour.

    Raises:
        ApiError: 400 in Cloudinary's words.
    """
    if now - timestamp > STALE_AFTER_SECONDS:
        reported = offset_form(timestamp).replace("T", " ").replace("+00:00", " +0000")
        raise bad_request(f"Stale request - reported time is {reported} which is more than 1 hour ago")


def check_basic(header: str, key: str, secret: str) -> None:
    """Check an ``Authorization: Basic`` header.

    Raises:
        ApiError: 401, with Cloudinary's words for each way to be wrong.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise unauthorized("You must provide credentials: HTTP Basic with api_key and api_secret")
    try:
        given_key, _, given_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized("Malformed Authorization header") from None
    if given_key != key:
        raise unauthorized("unknown api_key")
    if not hmac.compare_digest(given_secret.encode(), secret.encode()):
        raise unauthorized("api_secret mismatch")
