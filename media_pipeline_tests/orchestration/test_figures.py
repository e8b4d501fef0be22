"""The file of figures that each run leaves at its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import Engine

from media_pipeline.cli import metrics
from media_pipeline.ops import binding
from media_pipeline.orchestration.build import build_defs
from media_pipeline.orchestration.resources import REFRESH_DEFINITIONS
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import CloudIdentity
from media_pipeline_tests.orchestration.conftest import QUIET

Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "figures.prom"


@pytest.fixture
def run(settings: Settings, file: Path) -> Run:
    """Runs a short job that leaves its figures; keywords change settings."""

    def run_here(**changes: object) -> dg.ExecuteInProcessResult:
        changed = settings.model_copy(update={"metrics_textfile": file, **changes})
        job = build_defs(settings=changed, progress=Silent()).resolve_job_def(REFRESH_DEFINITIONS)
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(instance=instance, run_config=QUIET, raise_on_error=False)

    return run_here


def figures(file: Path) -> dict[str, float]:
    return {
        sample.name.removeprefix("media_pipeline_") + "".join(f"{{{word}}}" for word in sample.labels.values()): (
            sample.value
        )
        for family in text_string_to_metric_families(file.read_text())
        for sample in family.samples
    }


def test_a_run_leaves_what_the_command_says(
    run: Run, settings: Settings, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run().success
    capsys.readouterr()
    metrics.command(settings, textfile=None)

    def lasting(text: str) -> str:
        return re.sub(r"^media_pipeline_figures_timestamp_seconds .*$", "", text, flags=re.MULTILINE)

    left = file.read_text()
    assert lasting(capsys.readouterr().out) == lasting(left)
    found = figures(file)
    assert found["run_api_calls{definitions}{succeeded}"] > 0
    assert found["run_duration_seconds{definitions}{succeeded}"] > 0
    assert found["wrong_cloud"] == 0


def test_a_run_whose_figures_cannot_be_left_succeeds_and_says_so(run: Run, tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as lines:
        assert run(metrics_textfile=tmp_path / "nowhere" / "figures.prom").success

    assert [line["log_level"] for line in lines if line["event"] == "figures_not_left"] == ["warning"]


def test_a_key_that_is_refused_is_a_figure_at_once(run: Run, settings: Settings, file: Path) -> None:
    assert settings.cloudinary_url is not None
    assert run().success
    wrong = re.sub(r":[^:@]+@", ":wrong-secret-of-a-test@", settings.cloudinary_url.get_secret_value())
    assert not run(cloudinary_url=SecretStr(wrong)).success

    assert figures(file)["run_failing{RemoteRejectedKey}{definitions}"] == 1


def test_a_wrong_cloud_is_a_figure_although_the_run_writes_nothing(run: Run, engine: Engine, file: Path) -> None:
    binding.bind(engine, CloudIdentity("another", True, "dynamic"), actor="tests", run_id=None)
    assert not run().success

    found = figures(file)
    assert found["wrong_cloud"] == 1
    assert not any(name.startswith("run_") for name in found)
