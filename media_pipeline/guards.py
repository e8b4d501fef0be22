"""Decisions that stop dangerous work. Pure: counts in, verdict out.

Belongs here: the rule for mass deletions.
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
    allowed = limit.of(total)
    if deletions <= allowed:
        return Verdict(passes=True)
    share = deletions / total if total else 1.0
    return Verdict(
        passes=False,
        reason=f"{deletions} of {total} assets ({share:.0%}) would count as deleted; "
        f"without an approval at most {allowed} may.",
    )


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
