"""The library: everything one cloud holds, and what the topics of the package share to change it.

Belongs here: opening and closing the state, the second of a change, monotonic versions.
Not here: the rules of one topic: uploads, edits, backups, folders, metadata_fields, listing, search.
"""

from __future__ import annotations

import hashlib
import sqlite3

from media_pipeline.emulator import assets
from media_pipeline.emulator.assets import Asset
from media_pipeline.emulator.clock import Clock
from media_pipeline.emulator.config import EmulatorConfig, Settings
from media_pipeline.emulator.documents import RENDERING, Documents
from media_pipeline.emulator.faults import Faults
from media_pipeline.emulator.index_lag import IndexLag
from media_pipeline.emulator.notifications import Notifications
from media_pipeline.emulator.originals import Originals
from media_pipeline.emulator.parts import Parts
from media_pipeline.emulator.snapshots import Snapshots, originals_in
from media_pipeline.emulator.store import Store, fact, set_fact


class Library:
    """The state of one cloud."""

    def __init__(self, config: EmulatorConfig, settings: Settings, clock: Clock, faults: Faults) -> None:
        config.state_directory.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.settings = settings
        self.clock = clock
        self.documents = Documents(config.cloud_name, config.api_key, config.api_secret, config.folder_mode)
        self.store = Store(config.state_directory / "emulator.sqlite")
        self.index_lag = IndexLag(self.store, clock, settings)
        self.notifications = Notifications(self.store, config, settings, clock, faults)
        self.originals = Originals(config.state_directory / "originals")
        self.snapshots = Snapshots(config.state_directory / "snapshots")
        self.parts = Parts(config.state_directory / "parts")
        self._sweep()
        self._render_again_if_changed()
        with self.store.write() as db:
            if fact(db, "created_at") is None:
                set_fact(db, "created_at", str(self.now()))

    def now(self) -> int:
        """The second a change happens in."""
        return int(self.clock.now())

    def next_version(self, previous: Asset) -> int:
        """The version of new bytes: the time, but always later than the version before."""
        return max(self.now(), previous.version + 1)

    def save(self, db: sqlite3.Connection, asset: Asset) -> Asset:
        """Store an asset and return it."""
        assets.save(db, asset, self.documents)
        return asset

    def reset(self) -> None:
        """Forget everything but snapshots."""
        self.store.clear()
        self.originals.sweep(self.snapshots.originals())

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def _sweep(self) -> None:
        with self.store.read() as db:
            self.originals.sweep(originals_in(db) | self.snapshots.originals())

    def _render_again_if_changed(self) -> None:
        """Stored list items hold signatures and delivery paths: another cloud, secret or form renders them anew."""
        config = self.config
        text = "\n".join((str(RENDERING), config.cloud_name, config.api_secret, config.folder_mode))
        rendering = hashlib.sha256(text.encode()).hexdigest()
        with self.store.write() as db:
            if fact(db, "rendering") not in (None, rendering):
                for asset in list(assets.select(db, "true")):
                    members = self.documents.list_members(asset)
                    db.execute("UPDATE asset SET members = ? WHERE seq = ?", (members, asset.seq))
            set_fact(db, "rendering", rendering)
