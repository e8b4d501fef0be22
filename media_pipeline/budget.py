"""The ledger of Admin API calls: an hourly allowance that every activity shares.

Belongs here: what may still be spent, and for what; keeping what answers say of the allowance.
Not here: sending calls (``remote.client``, which is handed a ledger), waiting (the rooms).
Tables: writes ops.api_budget, ops.api_call.

Source: cloudinary-api §2.2: the window is the clock hour, each answer carries limit, remaining and reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline.errors import RateLimited
from media_pipeline.vocabulary import CallPurpose


class Ledger:
    """Asks and tells the ledger in Postgres; safe for several threads and processes.

    No call waits until its line is on the disk: a crash of the server may lose the last second, and the next answer
    tells what is left.

    Args:
        shares: the share of the hourly allowance that a purpose may use; one that is missing may use all.
    """

    def __init__(self, engine: Engine, shares: Mapping[CallPurpose, float]) -> None:
        self._engine = engine
        self._shares = shares

    def acquire(self, purpose: CallPurpose, call: str) -> None:
        """Ask for one call.

        Raises:
            RateLimited: the allowance, or this purpose's share of it, is spent until ``reset_at``.
        """
        now, share = datetime.now(UTC), self._shares.get(purpose, 1.0)
        with transaction(self._engine) as connection:
            row = statements.run(connection, "ops/050_take_call", now=now, purpose=purpose.value, share=share).one()
        if not row.is_taken:
            reason = "The hourly allowance is spent"
            if row.remaining_count > 0:
                reason = f"The share of the hourly allowance for {purpose} calls ({share:.0%}) is spent"
            raise RateLimited(reason, call=call, reset_at=row.reset_at)

    def observe(
        self,
        limit: int | None,
        remaining: int | None,
        reset_at: datetime | None,
        *,
        call: str,  # noqa: ARG002  the ledger counts by purpose; the protocol tells the call to budgets that log
        purpose: CallPurpose,
        cost: int,
    ) -> None:
        """Keep what an answer said of the allowance; an answer without these headers says nothing.

        Args:
            cost: units the call cost; the first one was counted when it was asked for.
        """
        now = datetime.now(UTC)
        if limit is None or remaining is None:
            return
        next_hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        with transaction(self._engine) as connection:
            statements.run(
                connection,
                "ops/060_observe_budget",
                limit_count=limit,
                remaining_count=max(0, remaining),
                reset_at=reset_at or next_hour,
            )
            if cost > 1:
                statements.run(connection, "ops/070_count_call", now=now, purpose=purpose.value, units=cost - 1)
