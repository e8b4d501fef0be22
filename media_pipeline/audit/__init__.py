"""The append-only log of state changes, and the proof that nobody has changed it.

Belongs here: entries that concern no single asset, partitions and seals (``log``), proofs (``verification``).
Not here: entries of assets, which are written set-based by the statement that changes the assets; the archive of old
months (``upkeep``).
"""

from media_pipeline.audit.log import append, append_all, prepare, seal
from media_pipeline.audit.verification import (
    BrokenArchive,
    BrokenLink,
    BrokenSeal,
    Entry,
    Verification,
    verify,
)

__all__ = [
    "BrokenArchive",
    "BrokenLink",
    "BrokenSeal",
    "Entry",
    "Verification",
    "append",
    "append_all",
    "prepare",
    "seal",
    "verify",
]
