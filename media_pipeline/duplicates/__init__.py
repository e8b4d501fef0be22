"""Assets with the same bytes.

Belongs here: reading the digests of assets that may be equal, which listings do not carry.
Not here: showing them (``reads``), deleting anything.
"""

from media_pipeline.duplicates.digests import DigestsRead, read_digests

__all__ = ["DigestsRead", "read_digests"]
