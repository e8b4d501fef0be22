"""The outcome of every scenario: cloud and ``media_assets`` compared, field by field, by somebody who shares no code.

Belongs here: the comparison, and what must hold of the log whatever happened.
Not here: how a scenario got there.

The comparison is that of ``media-pipeline drift``: requests, paging and the mapping of fields of its own. That it
finds a difference in each field is shown in ``media_pipeline_tests/cli/test_drift.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from media_pipeline.cli import drift
from media_pipeline.cli.drift import Difference, Problem
from media_pipeline.vocabulary import Slice
from media_pipeline_tests.mirror.conftest import Rig

_UNLOGGED = """
  select m.asset_id from media_assets m
  where array(select l.row_version from media_sync_log l where l.asset_id = m.asset_id order by l.row_version)
    <> array(select generate_series(1, m.row_version))
"""


def differences(rig: Rig, slices: Sequence[Slice] | None = None) -> list[Difference]:
    """The first twenty differences between the assets of the cloud and the live rows; what was broken works again."""
    rig.control.clear_faults()
    assert rig.settings.cloud is not None
    report = drift.compare(rig.settings.cloud, rig.engine, slices=slices or rig.settings.slices)
    return [one for one in report.differences if one.what == "asset"]


def falsely_deleted(rig: Rig) -> list[str]:
    """Ids of assets that the cloud has and that count as deleted here."""
    deleted = {row[0] for row in rig.query("select asset_id from media_assets where deleted_at is not null")}
    return [one.key for one in differences(rig) if one.problem is Problem.MISSING and one.key in deleted]


def require_equal(rig: Rig, slices: Sequence[Slice] | None = None) -> None:
    """Both sides are equal in every field, and every change of a row is in the log exactly once."""
    assert differences(rig, slices) == []
    require_whole_log(rig)


def require_whole_log(rig: Rig) -> None:
    """Every change of a row is in the log exactly once."""
    assert rig.query(_UNLOGGED) == []
