"""A bound on what senders that prove nothing may cost.

Belongs here: how many refusals an address may have. Not here: who is refused (``intake.receiver``).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_ADDRESSES: Final = 4096
"""Addresses that are remembered; the one that was refused longest ago is forgotten first."""


class Refusals:
    """A bucket of refusals for each address, filled up again as time passes.

    Args:
        burst: refusals an address may have at once.
        per_second: refusals it gets anew.
    """

    def __init__(self, *, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def has_any_left(self, address: str, now: float) -> bool:
        """Whether another refusal of *address* is within its bound; *now* is a monotonic time in seconds."""
        return self._left_at(address, now) >= 1

    def count(self, address: str, now: float) -> None:
        """Take one off."""
        self._left[address] = (max(0.0, self._left_at(address, now) - 1), now)
        self._left.move_to_end(address)
        if len(self._left) > _ADDRESSES:
            self._left.popitem(last=False)

    def _left_at(self, address: str, now: float) -> float:
        left, at = self._left.get(address, (self._burst, now))
        return min(self._burst, left + (now - at) * self._per_second)
