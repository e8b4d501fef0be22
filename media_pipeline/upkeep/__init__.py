"""Removing what is done with, and keeping months of the audit log.

Belongs here: retention (``done_work``), partitions and the archive of the log (``log_months``).
Not here: the log itself (``audit``), Dagster's own runs (``orchestration.upkeep``).
"""

from media_pipeline.upkeep.done_work import TABLES, Removed, remove_done_work
from media_pipeline.upkeep.log_months import ArchivedMonth, DueMonth, LogKept, keep_log, list_due_months

__all__ = [
    "TABLES",
    "ArchivedMonth",
    "DueMonth",
    "LogKept",
    "Removed",
    "keep_log",
    "list_due_months",
    "remove_done_work",
]
