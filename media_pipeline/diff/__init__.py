"""What differs between the mirror and ``media_assets``, and its application.

Not here: observations (``mirror``), writes to Cloudinary (a diff can never cause one).
"""

from media_pipeline.diff.apply import ApplyResult, apply
from media_pipeline.diff.compute import DiffResult, compute

__all__ = ["ApplyResult", "DiffResult", "apply", "compute"]
