"""The yardstick: dlt merges the same pages into the same Postgres, reading them from disk instead of over HTTP.

Belongs here: dlt's settings and why, one pipeline run.
Not here: fetching the pages.

By default: as a first pipeline is written, with primary key and merge. Lists become child tables, files between the
steps are gzipped and hold INSERT statements, the merge deletes and inserts every row.
Tuned, by dlt's own documentation: lists and maps stay JSON columns, no gzip, a worker process a core, COPY of CSV
files, and one MERGE that leaves equal rows alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy.engine import make_url

from bench import contract
from bench.contract import Stopwatch, Task

# dlt reads its settings when it is imported. No telemetry: nothing of a measurement leaves this machine.
os.environ.update({"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"})
os.environ.update({"DLT_DATA_DIR": str(Path.cwd()), "DLT_PROJECT_DIR": str(Path.cwd())})

import dlt
from dlt.common.schema.typing import TWriteDispositionConfig

DATASET = "library"
TABLE = "media_assets"

_FAST = {
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
    "NORMALIZE__WORKERS": str(os.cpu_count() or 1),
    # A file is what a worker takes.
    "EXTRACT__DATA_WRITER__FILE_MAX_ITEMS": "5000",
}
_MERGE_CHANGES: TWriteDispositionConfig = {"disposition": "merge", "strategy": "upsert", "skip_unchanged_rows": True}

_decoder = msgspec.json.Decoder(dict[str, Any])


def work(task: Task, stopwatch: Stopwatch) -> None:
    """Run the pipeline once."""
    media_assets = dlt.resource(_pages(Path(task.pages)), name=TABLE, primary_key="asset_id")
    if task.is_tuned:
        os.environ.update(_FAST)
        media_assets.max_table_nesting = 0
        media_assets.apply_hints(write_disposition=_MERGE_CHANGES)
    else:
        media_assets.apply_hints(write_disposition="merge")
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        destination=dlt.destinations.postgres(credentials=_credentials(task.database_url)),
        dataset_name=DATASET,
        pipelines_dir=str(Path(task.home) / "pipelines"),
    )
    done = pipeline.run(media_assets, loader_file_format="csv" if task.is_tuned else "insert_values")
    done.raise_on_failed_jobs()
    trace = pipeline.last_trace
    for step in trace.steps if trace else []:
        if step.step != "run" and step.finished_at is not None:
            stopwatch.steps[step.step] = (step.finished_at - step.started_at).total_seconds()


def _pages(directory: Path) -> Iterator[list[dict[str, Any]]]:
    for page in sorted(directory.iterdir()):
        yield _decoder.decode(page.read_bytes())["resources"]


def _credentials(database_url: str) -> str:
    """The address as dlt takes it: the socket directory as host, and some password (the server asks for none)."""
    url = make_url(database_url)
    host = quote(str(url.query["host"]), safe="")
    return f"postgresql://{url.username}:none@{host}:{url.query['port']}/{url.database}"


if __name__ == "__main__":
    contract.serve(work)
