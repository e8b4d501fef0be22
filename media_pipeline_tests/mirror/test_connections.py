"""A sync gives every connection back, whether it succeeds, fails or is refused."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import QueuePool

from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.errors import MediaPipelineError
from media_pipeline_tests.mirror.conftest import Rig

OPEN = """
  select count(*), count(*) filter (where state <> 'idle') from pg_stat_activity
  where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
"""


@pytest.mark.parametrize(
    "fault",
    [None, Rule(Kind.STATUS, status=503), Rule(Kind.STATUS, status=401), Rule(Kind.TRUNCATED_JSON, path="/resources*")],
    ids=["none", "503", "401", "cut"],
)
def test_ten_syncs_leave_no_connection_in_use_and_no_more_open_than_the_pool_holds(
    rig: Rig, fault: Rule | None
) -> None:
    rig.upload_many(6)
    rig.sync()
    if fault is not None:
        rig.control.add_faults(fault)
    for _ in range(10):
        with contextlib.suppress(MediaPipelineError):
            rig.sync(retries=0)

    assert isinstance(rig.engine.pool, QueuePool)
    assert rig.engine.pool.checkedout() == 0
    ((opened, at_work),) = rig.query(OPEN)
    assert (opened < rig.engine.pool.size(), at_work) == (True, 0)
