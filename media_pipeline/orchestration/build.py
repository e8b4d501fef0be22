"""Putting the definitions together, for Dagster's processes, for one run in this process, and for tests.

Belongs here: the list of what there is, and what may be replaced.
Not here: the definitions themselves.
"""

from collections.abc import Callable

import dagster as dg

from media_pipeline.orchestration.arriving import canary_touch, change_files
from media_pipeline.orchestration.assets import FULL_SYNC_ASSETS, PUSH_ASSETS, cloudinary_library
from media_pipeline.orchestration.automation import JOBS, automation, schedules, sensors
from media_pipeline.orchestration.checks import CHECKS
from media_pipeline.orchestration.quality import nightly_quality, quality_job, quality_report
from media_pipeline.orchestration.reports import REPORT_ASSETS, REPORT_JOBS, REPORT_SCHEDULES
from media_pipeline.orchestration.resources import pipeline_resource
from media_pipeline.orchestration.upkeep import UPKEEP_ASSETS, nightly_upkeep, upkeep_job
from media_pipeline.orchestration.windows import outage_window, recent_changes
from media_pipeline.progress import Progress
from media_pipeline.settings import Settings


def build_defs(
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
    actor: str | None = None,
    on_failure: Callable[[BaseException], None] | None = None,
) -> dg.Definitions:
    """The code location.

    Args:
        settings: used in place of those of the environment.
        progress: told of the work in place of the run's log.
        actor: who asks for the runs; by default the Dagster run itself.
        on_failure: told what a step raised, before Dagster makes text of it.
    """
    pipeline = pipeline_resource(settings=settings, progress=progress, actor=actor, on_failure=on_failure)
    return dg.Definitions(
        assets=[
            *(cloudinary_library, change_files, canary_touch, recent_changes, outage_window),
            *FULL_SYNC_ASSETS,
            *PUSH_ASSETS,
            quality_report,
            *REPORT_ASSETS,
            *UPKEEP_ASSETS,
        ],
        asset_checks=CHECKS,
        jobs=[*JOBS, quality_job, *REPORT_JOBS, upkeep_job],
        schedules=[*schedules(settings), nightly_quality, *REPORT_SCHEDULES, nightly_upkeep],
        sensors=[*sensors(settings), automation],
        resources={"pipeline": pipeline},
        # The steps of a run share one database pool and one lock; a process for each would cost 4 s a step besides.
        executor=dg.in_process_executor,
    )
