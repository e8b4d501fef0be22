from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from media_pipeline.errors import SignatureRejected
from media_pipeline.intake.signature import FUTURE_SECONDS, PAST_SECONDS, Verifier, weakness_of
from media_pipeline_tests.intake.conftest import BODY, OLD_SECRET, SECRET, signature

TIMESTAMP = "1795391744"
NOW = datetime.fromtimestamp(int(TIMESTAMP), UTC)
VERIFIER = Verifier({"new": SECRET, "old": OLD_SECRET}, takes_sha1=False)


def verify(
    body: bytes = BODY,
    timestamp: str = TIMESTAMP,
    signed: str | None = None,
    *,
    now: datetime | None = NOW,
    verifier: Verifier = VERIFIER,
) -> str:
    given = signature(BODY, TIMESTAMP) if signed is None else signed
    return verifier.verify(body, timestamp.encode(), given.encode(), now=now)


def test_each_configured_secret_proves_and_is_named() -> None:
    assert verify() == "new"
    assert verify(signed=signature(BODY, TIMESTAMP, secret=OLD_SECRET)) == "old"


def test_the_vectors_of_the_official_sdks_are_understood() -> None:
    """From the tests of cloudinary_npm; their secrets are shorter than we would take."""
    body, timestamp, secret = b'{"public_id":"b8sjhoslj8cq8ovoa0ma"}', "1555337587", "sixteen-characters"
    verifier = Verifier({"": secret}, takes_sha1=True)
    for algorithm in ("sha1", "sha256"):
        signed = signature(body, timestamp, secret=secret, algorithm=algorithm)
        assert verify(body, timestamp, signed, now=None, verifier=verifier) == ""


def test_no_bit_of_a_signature_may_differ() -> None:
    right = bytes.fromhex(signature(BODY, TIMESTAMP))
    for bit in range(256):
        wrong = bytearray(right)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SignatureRejected, match="no configured secret"):
            verify(signed=wrong.hex())


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: f"sha256={text}",
        lambda text: f"{text} ",
        lambda text: f"{text}\n",
        lambda text: f"é{text[1:]}",
        lambda text: text[:-1],
        lambda text: "",
    ],
)
def test_a_signature_has_one_form(change: object) -> None:
    assert callable(change)
    with pytest.raises(SignatureRejected, match="hexadecimal"):
        verify(signed=change(signature(BODY, TIMESTAMP)))


@pytest.mark.parametrize(
    "timestamp",
    [
        f" {TIMESTAMP}",
        f"+{TIMESTAMP}",
        f"{TIMESTAMP}\n",
        "1_795_391_744",
        "١٧٩٥٣٩١٧٤٤",
        "1e9",
        "0x6b036ba0",
        f"{TIMESTAMP}0",
        TIMESTAMP[:9],
        "9" * 5000,
        "-1795391744",
        "",
    ],
)
def test_a_timestamp_has_one_form_even_if_it_is_signed(timestamp: str) -> None:
    with pytest.raises(SignatureRejected, match="not a time"):
        verify(timestamp=timestamp, signed=signature(BODY, timestamp))


def test_digits_cannot_move_between_body_and_timestamp() -> None:
    """Nothing separates the two in what is signed, so their forms have to."""
    for moved in range(1, 10):
        with pytest.raises(SignatureRejected, match="not a time"):
            verify(BODY + TIMESTAMP[:moved].encode(), TIMESTAMP[moved:])
    with pytest.raises(SignatureRejected, match="not a time"):
        verify(BODY[:-1], "}" + TIMESTAMP)


@pytest.mark.parametrize(
    ("seconds", "is_taken"),
    [(PAST_SECONDS, True), (PAST_SECONDS + 1, False), (-FUTURE_SECONDS, True), (-FUTURE_SECONDS - 1, False)],
)
def test_a_message_is_neither_old_nor_of_the_future(seconds: int, is_taken: bool) -> None:
    now = NOW + timedelta(seconds=seconds)
    if is_taken:
        assert verify(now=now) == "new"
        return
    with pytest.raises(SignatureRejected, match="too old or of the future"):
        verify(now=now)


def test_age_does_not_matter_where_the_way_is_proved() -> None:
    assert verify(now=None) == "new"


def test_sha1_is_refused_with_what_to_do_unless_it_is_taken() -> None:
    signed = signature(BODY, TIMESTAMP, algorithm="sha1")
    with pytest.raises(SignatureRejected, match="MEDIA_PIPELINE_WEBHOOK_SHA1"):
        verify(signed=signed)
    assert verify(signed=signed, verifier=Verifier({"one": SECRET}, takes_sha1=True)) == "one"


def test_a_body_that_was_written_anew_is_not_what_was_signed() -> None:
    with pytest.raises(SignatureRejected, match="no configured secret"):
        verify(BODY.replace(b":", b": "))


@pytest.mark.parametrize(
    ("secret", "is_weak"),
    [
        ("", True),
        ("fifteen-letters", True),
        ("sixteen-letters!", False),
        ("sixteen-letters!\n", True),
        (" sixteen-letters", True),
        ("sécret-of-many-letters", True),
        ("<your_api_secret>", True),
        ("your_api_secret_here", True),
        ("an-example-of-a-secret", True),
        ("mY0urS3cr3t_wItHm4nYchars", False),
    ],
)
def test_weak_secrets_are_known_and_never_shown(secret: str, is_weak: bool) -> None:
    weakness = weakness_of(secret)

    assert (weakness is not None) is is_weak
    assert not weakness or not secret or secret not in weakness
    if is_weak:
        with pytest.raises(ValueError, match="weak"):
            Verifier({"one": secret}, takes_sha1=False)


def test_nothing_is_proved_without_a_secret() -> None:
    with pytest.raises(ValueError, match="no secrets"):
        Verifier({}, takes_sha1=False)
