"""When what runs.

Belongs here: jobs, schedules, sensors.
Not here: what a run does (``assets``, ``checks``).
"""

from typing import Final

import dagster as dg

from media_pipeline.orchestration.assets import FULL_SYNC_ASSETS
from media_pipeline.orchestration.resources import FULL_SYNC

full_sync = dg.define_asset_job(
    FULL_SYNC,
    selection=dg.AssetSelection.assets(*FULL_SYNC_ASSETS),
    description="""Lists the whole library, proves what is gone, and makes `media_assets`, folders and definitions equal
to it. It never changes anything in Cloudinary, and it can be started at any time and as often as you like: a second
run finds nothing to do, an interrupted one goes on where it stopped. Mass deletions wait for a person
(`media-pipeline holds list`); the run succeeds all the same.""",
)

nightly_full_sync = dg.ScheduleDefinition(
    name="nightly_full_sync",
    job=full_sync,
    cron_schedule="15 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="A full sync every night at 02:15 UTC: the net under everything that notifications may miss.",
)

JOBS: Final = (full_sync,)
SCHEDULES: Final = (nightly_full_sync,)
