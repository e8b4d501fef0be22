"""The life of an operation between its edit and its end, as far as the database alone can tell.

Belongs here: merging open operations with a newer remote state (``settling``), what people see of it (``overlay``),
conflicts, what people decide or ask for by a command (``intents``), the entries in the log (``records``).
Not here: recording an edit (the trigger of ``media_assets``), planning and calls (``push``), merging (``merge``).
"""

from media_pipeline.outbox.conflicts import open_conflict
from media_pipeline.outbox.intents import delete_orphans, resolve, revert
from media_pipeline.outbox.records import end_operation, hint, note_all
from media_pipeline.outbox.settling import PolicyOf, Settled, expire_leases, reconcile, settle_verified

__all__ = [
    "PolicyOf",
    "Settled",
    "delete_orphans",
    "end_operation",
    "expire_leases",
    "hint",
    "note_all",
    "open_conflict",
    "reconcile",
    "resolve",
    "revert",
    "settle_verified",
]
