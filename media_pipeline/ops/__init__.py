"""What operators see and decide: the bound cloud, runs, holds, snapshots of the state.

Not here: fences (``db.locks``), the ledger of calls (``budget``).
"""
