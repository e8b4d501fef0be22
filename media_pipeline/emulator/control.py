"""The client of the control API, for tests, demonstrations and benches.

Belongs here: one method for each thing the control API does. Not here: the server's side, see control_api.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from media_pipeline.emulator.bulk import Generated, Plan
from media_pipeline.emulator.config import Endpoints, Settings
from media_pipeline.emulator.emulator import Stats
from media_pipeline.emulator.faults import Rule, RuleState
from media_pipeline.emulator.notices import Notice
from media_pipeline.emulator.notifications import Delivery
from media_pipeline.emulator.traffic import Entry

_T = TypeVar("_T")
# Generating a million assets takes minutes.
_TIMEOUT_SECONDS = 600


class ControlFailed(RuntimeError):
    """The control API refused; the text says why."""


class ControlClient:
    """Controls a running emulator; a context manager.

    Example:
        ``control.add_faults(Rule(Kind.STATUS, path="/resources/image*", first=2, times=1, status=503))``
    """

    def __init__(self, endpoints: Endpoints) -> None:
        self._http = httpx.Client(
            base_url=f"{endpoints.base_url}/_emulator",
            headers={"Authorization": f"Bearer {endpoints.control_token}"},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def settings(self) -> Settings:
        """What may be changed, as it is now."""
        return self._call("GET", "/settings", Settings)

    def change_settings(self, **changes: object) -> Settings:
        """Change settings by the names of `Settings`."""
        return self._call("PATCH", "/settings", Settings, changes)

    def set_quota(self, per_hour: int, used: int = 0) -> None:
        """Set the hourly quota of Admin API calls, and how many of this hour are used up."""
        self.change_settings(quota_per_hour=per_hour)
        self._call("PUT", "/quota", dict[str, int], {"used": used})

    def set_clock_offset(self, seconds: float) -> None:
        """Move the emulator's clock against the wall clock."""
        self.change_settings(clock_offset_seconds=seconds)

    def add_faults(self, *rules: Rule) -> list[RuleState]:
        """Add rules behind those in force; the first rule that matches and is due decides."""
        return self._call("POST", "/faults", list[RuleState], rules)

    def faults(self) -> list[RuleState]:
        """The rules in force, with how often they matched and were injected."""
        return self._call("GET", "/faults", list[RuleState])

    def remove_fault(self, rule_id: int) -> None:
        """Take one rule out of force."""
        self._call("DELETE", f"/faults/{rule_id}", list[RuleState])

    def clear_faults(self) -> None:
        """Take all rules out of force."""
        self._call("DELETE", "/faults", type(None))

    def journal(self) -> list[Entry]:
        """The last 10,000 requests, oldest first; those to the control API are not among them."""
        return self._call("GET", "/journal", list[Entry])

    def clear_journal(self) -> None:
        """Forget all requests so far."""
        self._call("DELETE", "/journal", type(None))

    def stats(self) -> Stats:
        """Server time by route and other figures."""
        return self._call("GET", "/stats", Stats)

    def clear_stats(self) -> None:
        """Begin to measure anew."""
        self._call("DELETE", "/stats", type(None))

    def reset(self) -> None:
        """An empty cloud with the settings of the start; faults, journal and statistics are cleared."""
        self._call("POST", "/reset", type(None))

    def bulk(self, count: int, seed: int = 1, first: int = 0) -> Generated:
        """Insert made-up assets, always the same ones for the same numbers; see bulk.Plan."""
        return self._call("POST", "/bulk", Generated, Plan(count, seed, first))

    def notifications(self) -> list[Delivery]:
        """All messages to webhooks and polled buffers with their attempts, oldest first."""
        return self._call("GET", "/notifications", list[Delivery])

    def notify(self, event_type: str, **members: object) -> list[Delivery]:
        """Send a message that no call causes here: ``info``, ``moderation_summary``, a type nobody knows yet."""
        return self._call("POST", "/notifications", list[Delivery], Notice(event_type, members))

    def clear_notifications(self) -> None:
        """Forget all messages, sent or not; triggers stay."""
        self._call("DELETE", "/notifications", type(None))

    def settle_notifications(self) -> list[Delivery]:
        """Send every webhook that is due by the emulator's clock; returns all messages when none is left."""
        return self._call("POST", "/notifications/settle", list[Delivery])

    def save_snapshot(self, name: str) -> None:
        """Keep the whole state under a name: assets, bytes, messages, settings, faults, quota."""
        self._call("PUT", f"/snapshots/{name}", type(None))

    def restore_snapshot(self, name: str) -> None:
        """Put the whole state back; journal and statistics go on."""
        self._call("POST", f"/snapshots/{name}/restore", type(None))

    def snapshots(self) -> list[str]:
        """Names of the snapshots there are; they outlive a reset."""
        return self._call("GET", "/snapshots", list[str])

    def drop_snapshot(self, name: str) -> None:
        """Forget a snapshot."""
        self._call("DELETE", f"/snapshots/{name}", type(None))

    def _call(self, method: str, path: str, answer: type[_T], body: object = None) -> _T:
        content = None if body is None else msgspec.json.encode(body)
        response = self._http.request(method, path, content=content)
        if response.status_code != 200:
            raise ControlFailed(f"{method} {path} answered {response.status_code}: {response.text}")
        return msgspec.json.decode(response.content, type=answer)
