"""Removing what is done with, and keeping months of the audit log.

Belongs here: retention, partitions, the archive of the log.
Not here: the log itself (``audit``), Dagster's own runs (``orchestration.upkeep``).
"""
