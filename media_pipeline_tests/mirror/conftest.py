"""A whole mirror on a small cloud: emulator, client, database, and one call that does a full sync."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from media_pipeline import diff, listing, mirror
from media_pipeline import settings as settings_module
from media_pipeline.budget import Ledger
from media_pipeline.db import statements
from media_pipeline.db.engine import read_only, transaction
from media_pipeline.diff import ApplyResult, DiffResult
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.listing import ListingResult
from media_pipeline.mirror import RefreshResult
from media_pipeline.ops import binding, runs
from media_pipeline.progress import Silent
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.identity import identify
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import AssetId, CallPurpose, ResourceType, RunKind, RunState, VerifyReason


@dataclass(frozen=True, slots=True)
class Synced:
    """What each step of one full sync said."""

    listing: ListingResult
    mirror: RefreshResult
    diff: DiffResult
    apply: ApplyResult


@dataclass(slots=True)
class Rig:
    """One cloud and its mirror, and the hands of an outsider."""

    engine: Engine
    endpoints: Endpoints
    control: ControlClient
    settings: Settings
    naps: list[float] = field(default_factory=list)
    on_page: Callable[[], None] | None = None

    @contextmanager
    def client(self, **changes: Any) -> Iterator[CloudinaryClient]:
        """A client as the product makes it."""
        settings = self.settings.model_copy(update=changes)
        assert settings.cloud is not None
        ledger = Ledger(self.engine, {CallPurpose.LISTING: settings.listing_budget_share})
        with CloudinaryClient(settings.cloud, settings=settings, budget=ledger, refuse_emulator=False) as client:
            yield client

    def sync(self, **changes: Any) -> Synced:
        """A full sync, with settings changed for this once."""
        settings = self.settings.model_copy(update=changes)
        with (
            self.client(**changes) as client,
            runs.running(self.engine, RunKind.FULL_SYNC, actor="cli:test", dagster_run_id=None) as run_id,
        ):
            binding.bind(self.engine, identify(client), actor="cli:test", run_id=run_id)
            with mirror.taking_over(self.engine, settings, progress=Silent()) as taker:
                listed = listing.walk(
                    self.engine,
                    client,
                    settings,
                    run_id=run_id,
                    progress=Silent(),
                    on_page=taker.take if self.on_page is None else None,
                    sleep=self.nap,
                )
            if self.on_page is not None:
                # Pages are landed, none is applied: what happens now is newer than any of them.
                self.on_page()
            mirrored = mirror.refresh(
                self.engine, client, settings, run_id=run_id, progress=Silent(), taken=taker.taken
            )
            found = diff.compute(self.engine, settings, run_id=run_id)
            applied = diff.apply(self.engine, settings, run_id=run_id, progress=Silent())
            runs.finish(self.engine, run_id, RunState.SUCCEEDED)
        return Synced(listed, mirrored, found, applied)

    def upload(self, public_id: str, **options: Any) -> AssetId:
        """An outsider uploads a small picture; its pixels follow from ``colour``."""
        colour = options.pop("colour", 0)
        picture = io.BytesIO()
        Image.new("RGB", (8, 8), (colour % 256, colour // 256 % 256, 7)).save(picture, "PNG")
        with self.client() as client:
            written = client.upload(
                options.pop("content", picture.getvalue()),
                public_id=public_id,
                resource_type=options.pop("resource_type", ResourceType.IMAGE),
                delivery_type=options.pop("delivery_type", "upload"),
                overwrite=True,
                file_name="picture.png",
                **options,
            )
        return written.asset_id

    def upload_many(self, count: int, prefix: str = "p") -> list[AssetId]:
        """Different pictures, one name each."""
        return [self.upload(f"{prefix}{number:04d}", colour=number) for number in range(count)]

    def restore(self, public_id: str) -> None:
        """An outsider brings a deleted picture back from its backup."""
        address = urlsplit(self.endpoints.cloudinary_url)
        answer = httpx.post(
            f"{self.endpoints.base_url}/v1_1/{self.endpoints.cloud_name}/resources/image/upload/restore",
            json={"public_ids": [public_id]},
            auth=(address.username or "", address.password or ""),
        )
        assert answer.json()[public_id]["bytes"] > 0

    def try_edit(self, text: str) -> str:
        """What Postgres says when a person runs a statement."""
        with pytest.raises(DBAPIError) as refused, self.engine.begin() as connection:
            connection.exec_driver_sql(text)
        return str(refused.value)

    def hint(self, ids: Sequence[AssetId]) -> None:
        """A room asks for assets to be read again."""
        with transaction(self.engine) as connection:
            statements.run(connection, "mirror/080_hint", asset_ids=list(ids), reason=VerifyReason.MANUAL.value)

    def make_due(self) -> None:
        """The pause before unproved assets are read again is over."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql("update mirror.verify_queue set not_before = now()")

    def nap(self, seconds: float) -> None:
        """The clock hour is over, as far as the ledger knows; the test does not wait that long."""
        self.naps.append(seconds)
        with self.engine.begin() as connection:
            connection.exec_driver_sql("delete from ops.api_budget")

    def break_lists(self, kind: Kind, **options: Any) -> None:
        """A fault on listing pages of images."""
        self.control.add_faults(Rule(kind, method="GET", path="/resources/image/upload", **options))

    def query(self, text: str, **parameters: Any) -> list[Any]:
        """Rows of a read by the owner of the database; tuples."""
        with read_only(self.engine) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(text, parameters)]

    def live(self) -> dict[str, str]:
        """public_id to asset_id of the live rows of media_assets."""
        return dict(self.query("select public_id, asset_id from media_assets where deleted_at is null"))

    def deleted(self) -> set[str]:
        """public_ids of the tombstones in media_assets."""
        return {row[0] for row in self.query("select public_id from media_assets where deleted_at is not null")}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with EmulatorThread(EmulatorConfig(tmp_path_factory.mktemp("cloud"), "mirror-tests")) as running:
        yield running.endpoints


@pytest.fixture
def control(cloud: Endpoints) -> Iterator[ControlClient]:
    with ControlClient(cloud) as control:
        control.reset()
        yield control


@pytest.fixture
def rig(engine: Engine, cloud: Endpoints, control: ControlClient) -> Rig:
    settings = settings_module.load(
        CLOUDINARY_URL=cloud.cloudinary_url,
        listing_page_size=5,
        delivery_types="upload",
        retries=1,
        retry_base_seconds=0.01,
        read_timeout_seconds=2,
        deletion_limit_count=3,
    )
    return Rig(engine, cloud, control, settings)
