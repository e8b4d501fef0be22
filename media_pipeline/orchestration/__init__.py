"""Dagster's side: which asset calls which room, when, and how it is shown. Thin on purpose.

Belongs here: definitions, the resource that a run shares, Dagster's own instance, one run in this process.
Not here: decisions. They live in the rooms and in SQL, and are tested without Dagster.
"""
