"""Carrying recorded intents to Cloudinary: plan, guards, approval, calls.

Belongs here: which operations are about to be done and who allows it (``plan``), doing them (``relay``), one function a
kind (``handlers``).
Not here: recording an intent (the trigger of ``media_assets``), what a later read proves of it (``outbox``).
"""

from media_pipeline.push.plan import (
    Plan,
    PlanItem,
    PlanResult,
    Preview,
    decide,
    list_items,
    list_plans,
    plan,
    preview,
    read_plan,
)
from media_pipeline.push.relay import DELETIONS, RENAMES, UPDATES, PushResult, push

__all__ = [
    "DELETIONS",
    "RENAMES",
    "UPDATES",
    "Plan",
    "PlanItem",
    "PlanResult",
    "Preview",
    "PushResult",
    "decide",
    "list_items",
    "list_plans",
    "plan",
    "preview",
    "push",
    "read_plan",
]
