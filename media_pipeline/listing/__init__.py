"""Walks of the Admin API: slices, pages, cursors, and what was received, byte for byte.

Not here: what an asset is (``mirror``), when a walk begins (``orchestration``).
"""

from media_pipeline.listing.unlisted import find_unlisted
from media_pipeline.listing.walk import ListingResult, SliceResult, walk

__all__ = ["ListingResult", "SliceResult", "find_unlisted", "walk"]
