"""The ledger of Admin API calls: what is spent, by whom, is refused before it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from media_pipeline.budget import Ledger
from media_pipeline.errors import RateLimited
from media_pipeline.vocabulary import CallPurpose

SHARES = {CallPurpose.LISTING: 0.7}


def tell(ledger: Ledger, purpose: CallPurpose, remaining: int, reset_at: datetime) -> None:
    ledger.observe(500, remaining, reset_at, call="ping", purpose=purpose, cost=1)


def call_until_refused(ledger: Ledger, purpose: CallPurpose, left: int, reset_at: datetime) -> int:
    """Ask, and be told by each answer what is left, as Cloudinary does it; at most 600 times."""
    for made in range(600):
        try:
            ledger.acquire(purpose, "ping")
        except RateLimited:
            return made
        tell(ledger, purpose, left - made - 1, reset_at)
    raise AssertionError("nothing was refused")


def test_a_listing_leaves_its_share_to_others_and_nobody_calls_more_than_is_allowed(engine: Engine) -> None:
    reset_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    tell(Ledger(engine, SHARES), CallPurpose.VERIFY, 500, reset_at)

    listed = call_until_refused(Ledger(engine, SHARES), CallPurpose.LISTING, 500, reset_at)
    # Another process, which heard nothing of these calls but through Postgres.
    pushed = call_until_refused(Ledger(engine, SHARES), CallPurpose.PUSH, 500 - listed, reset_at)

    assert (listed, pushed) == (350, 150)


def test_a_new_hour_is_a_new_allowance_and_an_answer_of_the_last_one_does_not_take_it_away(engine: Engine) -> None:
    ledger, now = Ledger(engine, SHARES), datetime.now(UTC)
    this_hour, next_hour = now + timedelta(minutes=5), now + timedelta(minutes=65)
    tell(ledger, CallPurpose.PUSH, 0, now - timedelta(seconds=1))
    ledger.acquire(CallPurpose.PUSH, "ping")

    tell(ledger, CallPurpose.PUSH, 0, this_hour)
    with pytest.raises(RateLimited):
        ledger.acquire(CallPurpose.PUSH, "ping")

    tell(ledger, CallPurpose.PUSH, 500, next_hour)
    tell(ledger, CallPurpose.PUSH, 0, this_hour)
    ledger.acquire(CallPurpose.PUSH, "ping")
