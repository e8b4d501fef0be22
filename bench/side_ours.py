"""Our side: from the emulator to committed ``media_assets``, by the steps of a full sync.

Belongs here: the order of the rooms' functions, as ``orchestration.assets`` has it, without Dagster.
Not here: what they do.
"""

from __future__ import annotations

from bench import contract
from bench.contract import Stopwatch, Task
from media_pipeline import budget, diff, listing, logs, mirror
from media_pipeline import settings as settings_module
from media_pipeline.db import engine as engine_module
from media_pipeline.ops import binding, runs
from media_pipeline.progress import Silent
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.vocabulary import CallPurpose, RunKind, RunState

_ACTOR = "cli:bench"


def work(task: Task, stopwatch: Stopwatch) -> None:
    """One full sync."""
    settings = settings_module.load(home=task.home, database_url=task.database_url, CLOUDINARY_URL=task.cloudinary_url)
    logs.configure(level=settings.log_level)
    assert settings.cloud is not None
    engine = engine_module.create_engine(task.database_url, pool_size=settings.database_pool_size)
    shares = {
        CallPurpose.LISTING: settings.listing_budget_share,
        CallPurpose.FOLDERS: settings.folders_budget_share,
    }
    ledger = budget.Ledger(engine, shares)
    progress = Silent()
    with (
        CloudinaryClient(settings.cloud, settings=settings, budget=ledger, refuse_emulator=False) as client,
        runs.running(engine, RunKind.FULL_SYNC, actor=_ACTOR, dagster_run_id=None) as run_id,
    ):
        binding.bind(engine, identify(client), actor=_ACTOR, run_id=run_id)
        stopwatch.lap("identify and bind")
        with mirror.taking_over(engine, settings, progress=progress) as taker:
            listed = listing.walk(engine, client, settings, run_id=run_id, progress=progress, on_page=taker.take)
        if listed.problems:
            raise RuntimeError(f"The listing is not whole: {listed.problems[0].problem}")
        stopwatch.lap("listing")
        mirror.refresh(engine, client, settings, run_id=run_id, progress=progress, taken=taker.taken)
        stopwatch.lap("mirror")
        diff.compute(engine, settings, run_id=run_id)
        stopwatch.lap("diff")
        diff.apply(engine, settings, run_id=run_id, progress=progress)
        stopwatch.lap("apply")
        mirror.refresh_folders(engine, client, progress=progress)
        stopwatch.lap("folders")
        mirror.refresh_metadata_fields(engine, client)
        stopwatch.lap("metadata fields")
        runs.finish(engine, run_id, RunState.SUCCEEDED)
    engine.dispose()


if __name__ == "__main__":
    contract.serve(work)
