"""Walks of the Admin API: slices and times, pages, cursors, and what was received, byte for byte.

Not here: what an asset is (``mirror``), when a walk begins (``orchestration``).
"""

from media_pipeline.listing.unlisted import find_unlisted
from media_pipeline.listing.walk import ListingResult, SliceResult, walk
from media_pipeline.listing.window import WindowResult, walk_outage, walk_recent

__all__ = [
    "ListingResult",
    "SliceResult",
    "WindowResult",
    "find_unlisted",
    "walk",
    "walk_outage",
    "walk_recent",
]
