"""Carrying recorded intents to Cloudinary: plan, guards, approval, calls.

Belongs here: which operations are about to be done and who allows it (``plan``), doing them (``relay``):
claims and results (``claims``), comparing (``compare``), bytes (``contents``), one function a kind (``handlers``);
recording files (``uploads``).
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
from media_pipeline.push.relay import DELETIONS, GROUPS, RENAMES, UPDATES, UPLOADS, PushResult, push

__all__ = [
    "DELETIONS",
    "GROUPS",
    "RENAMES",
    "UPDATES",
    "UPLOADS",
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
