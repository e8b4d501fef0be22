"""What operators see and decide: the bound cloud, runs, holds.

Not here: fences (``db.locks``), the ledger of calls (``budget``).
"""
