"""One emulator put together: its library and everything the routes and the control API share.

Belongs here: construction and shutdown. Not here: HTTP.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace

import msgspec

from media_pipeline.emulator.clock import Clock
from media_pipeline.emulator.config import EmulatorConfig, Settings
from media_pipeline.emulator.faults import Faults
from media_pipeline.emulator.library import Library
from media_pipeline.emulator.notifier import Notifier
from media_pipeline.emulator.quota import Quota
from media_pipeline.emulator.snapshots import Surroundings
from media_pipeline.emulator.traffic import RouteTime, Traffic


class Stats(msgspec.Struct, frozen=True):
    """Server time by route, faults injected by the rules in force, assets held, Admin calls of this hour."""

    routes: dict[str, RouteTime]
    faults_injected: int
    assets: int
    quota_used: int


class Emulator:
    """The parts of a running emulator.

    Attributes:
        reset_connection: Breaks the connection of a client address; set by the server.
    """

    def __init__(self, config: EmulatorConfig, clock: Clock | None = None) -> None:
        self.config = config
        self.settings = _start_settings(config)
        self.clock = clock or Clock()
        self.faults = Faults()
        self.library = Library(config, self.settings, self.clock, self.faults)
        self.notifier = Notifier(self.library.store, self.settings, self.clock, self.library.notifications)
        self.quota = Quota(self.settings, self.clock)
        self.traffic = Traffic()
        self.control_token = config.control_token or secrets.token_urlsafe(24)
        self._elsewhere: Emulator | None = None
        self.reset_connection: Callable[[tuple[str, int]], None] = _not_serving

    def change_settings(self, changes: dict[str, object]) -> None:
        """Change settings by name.

        Raises:
            msgspec.ValidationError: An unknown name or a value of the wrong type; nothing was changed.
        """
        changed = msgspec.convert({**msgspec.structs.asdict(self.settings), **changes}, Settings)
        for name in changed.__struct_fields__:
            setattr(self.settings, name, getattr(changed, name))
        self.clock.offset_seconds = self.settings.clock_offset_seconds
        self.library.index_lag.follow_settings()
        self.notifier.look_again()

    def stats(self) -> Stats:
        """Figures for `Stats`."""
        with self.library.store.read() as db:
            (held,) = db.execute("SELECT count(*) FROM asset").fetchone()
        injected = sum(state.injected for state in self.faults.states())
        return Stats(self.traffic.routes(), injected, held, self.quota.used)

    def reset(self) -> None:
        """Back to an empty cloud with the settings it was started with."""
        self.change_settings(msgspec.structs.asdict(_start_settings(self.config)))
        self.library.reset()
        self.faults.clear()
        self.traffic.clear_journal()
        self.traffic.clear_routes()
        self.quota.used = 0
        if self._elsewhere is not None:
            self._elsewhere.reset()

    def save_snapshot(self, name: str) -> None:
        """Keep the whole state under a name: library, messages, settings, faults, quota."""
        surroundings = Surroundings(self.settings, self.quota.used, self.faults.states())
        self.library.snapshots.save(name, self.library.store, surroundings)

    def restore_snapshot(self, name: str) -> None:
        """Put the whole state back; journal and statistics go on.

        Raises:
            ApiError: 404 for a name nobody saved.
        """
        former = self.library.snapshots.restore(name, self.library.store)
        self.change_settings(msgspec.structs.asdict(former.settings))
        self.quota.used = former.quota_used
        self.faults.restore(former.faults)

    def elsewhere(self) -> Emulator:
        """Another cloud that is empty and answers under this one's name, for callers sent to the wrong one."""
        if self._elsewhere is None:
            directory = self.config.state_directory / "elsewhere"
            shutil.rmtree(directory, ignore_errors=True)
            self._elsewhere = Emulator(replace(self.config, state_directory=directory), self.clock)
            self._elsewhere.library.documents.base_url = self.library.documents.base_url
        return self._elsewhere

    def close(self) -> None:
        """Stop sending and close the library."""
        self.notifier.close()
        self.library.close()
        if self._elsewhere is not None:
            self._elsewhere.close()


def _not_serving(client: tuple[str, int]) -> None:
    raise RuntimeError(f"No server is running that could reset the connection of {client}")


def _start_settings(config: EmulatorConfig) -> Settings:
    return Settings(quota_per_hour=config.quota_per_hour, backup=config.backup)
