"""Decisions that stop dangerous work. Pure: counts in, verdict out.

Belongs here: the rule for mass deletions, and for mass replacements of bytes.
Not here: what is held and who approves (``ops.holds``), where counts come from (SQL).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeletionLimit:
    """How many deletions a slice may see at once without a person's approval."""

    count: int
    share: float

    def of(self, total: int) -> int:
        """The limit for a slice of *total* live assets: the larger of count and share."""
        return max(self.count, int(self.share * total))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a guard says; ``reason`` is a sentence for people, empty when it passes."""

    passes: bool
    reason: str = ""


def judge_deletions(deletions: int, total: int, limit: DeletionLimit) -> Verdict:
    """Judge deletions that are about to be believed.

    Args:
        deletions: assets that would be called deleted.
        total: live assets they are part of, themselves included.
    """
    return _judge(deletions, total, limit, "would count as deleted")


def judge_replacements(replacements: int, total: int, limit: DeletionLimit) -> Verdict:
    """Judge replacements that are about to be pushed: the bytes that they end are as gone as those of deletions.

    Args:
        replacements: assets that would get other bytes.
        total: live assets they are part of.
    """
    return _judge(replacements, total, limit, "would lose their bytes to others")


def _judge(count: int, total: int, limit: DeletionLimit, fate: str) -> Verdict:
    allowed = limit.of(total)
    if count <= allowed:
        return Verdict(passes=True)
    share = count / total if total else 1.0
    reason = f"{count} of {total} assets ({share:.0%}) {fate}; without an approval at most {allowed} may."
    return Verdict(passes=False, reason=reason)


def judge_absence(suspects: int, total: int, listed: int, limit: DeletionLimit) -> Verdict:
    """Judge the assets that a complete listing did not show as live, before any of them is read by its id.

    Args:
        suspects: live assets that were not listed, or only as remnants where nothing else is live.
        total: live assets of the slice, suspects included.
        listed: assets on the listing's pages.
    """
    if suspects and listed == 0:
        return Verdict(
            passes=False,
            reason=f"The listing is empty although {total} assets are live here. "
            "A wrong key or cloud answers like this; so does a library that was emptied.",
        )
    if suspects and suspects >= total:
        return Verdict(
            passes=False,
            reason=f"The listing shows {listed} assets, and none of the {total} that are live here is live there. "
            "A library that was emptied and keeps backups answers like this.",
        )
    return judge_deletions(suspects, total, limit)
