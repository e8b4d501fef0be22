"""What Dagster loads: ``workspace.yaml`` names this module.

Belongs here: nothing but the code location of this deployment.
Not here: how it is put together (``orchestration.build``).
"""

from media_pipeline.orchestration.build import build_defs

__all__ = ["build_defs", "defs"]

defs = build_defs()
