"""The small cloud and its mirror on which the scenarios are played; the same as in ``media_pipeline_tests.mirror``."""

from __future__ import annotations

from media_pipeline_tests.mirror.conftest import cloud, control, rig

__all__ = ["cloud", "control", "rig"]
