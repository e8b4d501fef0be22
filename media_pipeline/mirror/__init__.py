"""The mirror: the last proved observation of every asset, folder and definition.

Not here: what was received (``listing``), what differs from ``media_assets`` (``diff``).
"""

from media_pipeline.mirror.definitions import (
    FoldersResult,
    MetadataFieldsResult,
    refresh_folders,
    refresh_metadata_fields,
)
from media_pipeline.mirror.landed import PagesTaken, PageTaker, taking_over
from media_pipeline.mirror.refresh import RefreshResult, refresh

__all__ = [
    "FoldersResult",
    "MetadataFieldsResult",
    "PageTaker",
    "PagesTaken",
    "RefreshResult",
    "refresh",
    "refresh_folders",
    "refresh_metadata_fields",
    "taking_over",
]
