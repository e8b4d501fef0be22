"""Postgres: connections, statements, locks, migrations and the embedded server.

Belongs here: everything that is the same for every table.
Not here: what a statement means (each room runs its own), the emulator, Dagster's storage.
"""
