"""A mirror whose edits are pushed: what the jobs do, without Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from media_pipeline import diff, mirror, push
from media_pipeline import settings as settings_module
from media_pipeline.diff import ApplyResult
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.mirror import RefreshResult
from media_pipeline.ops import runs
from media_pipeline.progress import Silent
from media_pipeline.push import PlanResult, PushResult
from media_pipeline.vocabulary import AssetId, RunKind, RunState
from media_pipeline_tests.mirror.conftest import Rig, cloud, control

__all__ = ["cloud", "control"]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What each step said."""

    plan: PlanResult
    results: dict[str, PushResult]
    mirror: RefreshResult
    apply: ApplyResult

    @property
    def sent(self) -> int:
        return sum(result.sent for result in self.results.values())


class PushRig(Rig):
    """A rig with an editor's hands on this side."""

    def edit(self, public_id: str, assignments: str, **values: Any) -> None:
        """Somebody edits a live row with plain SQL."""
        with self.engine.begin() as connection:
            found = connection.exec_driver_sql(
                f"update media_assets set {assignments} where public_id = %(public_id)s",
                {"public_id": public_id, **values},
            )
            assert found.rowcount == 1

    def delete(self, *public_ids: str) -> None:
        for public_id in public_ids:
            self.edit(public_id, "deleted_at = now()")

    def push(self, **changes: Any) -> Pushed:
        """Plan, push each kind, then read what was touched and take it over."""
        settings = self.settings.model_copy(update=changes)
        with (
            self.client(**changes) as client,
            runs.running(self.engine, RunKind.PUSH, actor="cli:test", dagster_run_id=None) as run_id,
        ):
            planned = push.plan(self.engine, settings, run_id=run_id)
            results = {}
            for name, kinds in zip(("deletions", "uploads", "updates", "renames"), push.GROUPS, strict=True):
                results[name] = push.push(self.engine, client, settings, kinds, run_id=run_id, progress=Silent())
            mirrored, applied = self.confirm(settings=settings, run_id=run_id)
            runs.finish(self.engine, run_id, RunState.SUCCEEDED)
        return Pushed(planned, results, mirrored, applied)

    def confirm(self, *, settings: Any = None, run_id: Any = None) -> tuple[RefreshResult, ApplyResult]:
        """Read what waits to be read, and take it over."""
        settings = settings or self.settings
        self.make_due()
        with self.client() as client:
            mirrored = mirror.refresh(self.engine, client, settings, run_id=run_id, progress=Silent())
        diff.compute(self.engine, settings, run_id=run_id)
        return mirrored, diff.apply(self.engine, settings, run_id=run_id, progress=Silent())

    def push_now(self) -> None:
        """The pause after a failed attempt is over."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("update outbox.operation set not_before = '-infinity' where state = 'pending'")

    def operations(self) -> list[tuple[str, str]]:
        """Kind and state of every operation, in order."""
        return [(kind, state) for kind, state in self.query("select kind, state from outbox.operation order by id")]

    def there(self) -> dict[str, dict[str, Any]]:
        """Every asset as the cloud itself lists it, by public_id; remnants left out."""
        found: dict[str, dict[str, Any]] = {}
        with self.client() as client:
            for slice_ in self.settings.slices:
                page = msgspec.json.decode(client.list_page(slice_, cursor=None, page_size=500).body)
                found |= {one["public_id"]: one for one in page["resources"] if not one.get("placeholder")}
        return found

    def id_of(self, public_id: str) -> AssetId:
        return AssetId(self.query("select asset_id from media_assets where public_id = %(p)s", p=public_id)[0][0])

    def differences(self) -> list[Any]:
        """Where the two sides are not equal, by name and by each field that people edit."""
        here = {
            row[0]: row[1:]
            for row in self.query(
                "select asset_id, public_id, display_name, asset_folder, tags, context, metadata"
                " from media_assets where deleted_at is null"
            )
        }
        there = {
            one["asset_id"]: (
                one["public_id"],
                one["display_name"],
                one["asset_folder"],
                sorted(one.get("tags", [])),
                one.get("context", {}).get("custom", {}),
                one.get("metadata", {}),
            )
            for one in self.there().values()
        }
        return [
            (asset_id, here.get(asset_id), there.get(asset_id))
            for asset_id in sorted({*here, *there})
            if here.get(asset_id) != there.get(asset_id)
        ]


@pytest.fixture
def rig(engine: Engine, cloud: Endpoints, control: ControlClient, tmp_path: Path) -> PushRig:
    settings = settings_module.load(
        home=tmp_path,
        CLOUDINARY_URL=cloud.cloudinary_url,
        listing_page_size=50,
        delivery_types="upload",
        retries=1,
        retry_base_seconds=0.01,
        read_timeout_seconds=2,
        deletion_limit_count=3,
        undo_seconds=0,
        vault=False,
    )
    return PushRig(engine, cloud, control, settings)
