"""Triggers as code: what the cloud has beside what the settings want, and making them alike.

Belongs here: which triggers are wanted, which are ours, the few changes between the two.
Not here: the calls (``remote.client``), who is told (``cli.triggers``). No database.

A trigger carries no name or tag, so ours are told by our own memory: ``<home>/triggers.json`` lists every address for
which this deployment ever asked. A trigger of all events to such an address is ours; every other one is foreign, and
left alone whatever it looks like: it may be that of another deployment on the same cloud. The address is written down
before the trigger is made, so that a crash leaves none that nobody knows. Where the memory is lost, what points to a
wanted address is still known, and the rest counts as foreign, which only means that a person removes it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from media_pipeline.errors import ConfigurationError
from media_pipeline.remote import notifications
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.notifications import Trigger
from media_pipeline.settings import Settings

_EVENTS: Final = "all"
_UNCHECKABLE: Final = "eddsa_v2"
_MEMORY: Final = "triggers.json"


class Standing(StrEnum):
    """What a trigger is to this deployment."""

    WANTED = "wanted"
    STALE = "stale"
    FOREIGN = "foreign"


class Change(StrEnum):
    """What ``apply`` does."""

    CREATE = "create"
    REPOINT = "repoint"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Seen:
    """A trigger of the cloud."""

    id: str
    uri: str
    event_type: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Step:
    """One change; *trigger_id* is None for one that is to be made, *uri* the address that it leads to or removes."""

    change: Change
    uri: str
    trigger_id: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What there is, what is wanted, and the steps from the one to the other, in the order in which they are done."""

    wanted: tuple[str, ...]
    seen: tuple[Seen, ...]
    steps: tuple[Step, ...]


def wanted_addresses(settings: Settings) -> tuple[str, ...]:
    """The addresses that all events should go to: of the webhook, of the poll channel; none where neither is set."""
    poll = None if settings.poll_channel is None else f"poll://{settings.poll_channel}"
    return tuple(one for one in (settings.notification_url, poll) if one is not None)


def compare(found: Sequence[Trigger], wanted: Sequence[str], remembered: Sequence[str]) -> Comparison:
    """Decide what is to be done; pure.

    A trigger of ours that is no longer wanted is repointed to a wanted address of its kind that lacks one, so that no
    event falls between a removal and a creation; else it is removed. One that signs with Ed25519 alone is not what is
    wanted, since nothing here can check that.
    """
    seen: list[Seen] = []
    stale: list[Trigger] = []
    missing = list(wanted)
    for one in found:
        is_ours = one.event_type == _EVENTS and (one.uri in wanted or one.uri in remembered)
        if is_ours and one.uri in missing and one.auth_scheme != _UNCHECKABLE:
            missing.remove(one.uri)
            standing = Standing.WANTED
        else:
            standing = Standing.STALE if is_ours else Standing.FOREIGN
        if standing is Standing.STALE:
            stale.append(one)
        seen.append(Seen(one.id, one.uri, one.event_type, standing))
    steps: list[Step] = []
    for one in stale:
        alike = [uri for uri in missing if _kind(uri) == one.uri_type and one.auth_scheme != _UNCHECKABLE]
        if alike:
            missing.remove(alike[0])
            steps.append(Step(Change.REPOINT, alike[0], one.id))
        else:
            steps.append(Step(Change.REMOVE, one.uri, one.id))
    steps += [Step(Change.CREATE, uri, None) for uri in missing]
    return Comparison(tuple(wanted), tuple(seen), tuple(steps))


def look(client: CloudinaryClient, settings: Settings) -> Comparison:
    """Compare the cloud with the settings; one Admin API call, nothing is changed."""
    return compare(notifications.triggers(client.triggers()), wanted_addresses(settings), _remembered(settings.home))


def apply(client: CloudinaryClient, settings: Settings) -> tuple[tuple[Step, ...], Comparison]:
    """Make the cloud have what the settings want; two Admin API calls and one for each step.

    Returns:
        The steps that were done, and the comparison afterwards, read from the cloud anew.

    Raises:
        ConfigurationError: the memory cannot be written; nothing was changed.
        RemoteError: a step failed; those before it are done, and the next ``apply`` does the rest.
    """
    before = look(client, settings)
    _remember(settings.home, [*_remembered(settings.home), *before.wanted])
    for step in before.steps:
        if step.trigger_id is None:
            client.create_trigger(step.uri, event_type=_EVENTS, uri_type=_kind(step.uri), is_additive=True)
        elif step.change is Change.REPOINT:
            client.update_trigger(step.trigger_id, uri=step.uri)
        else:
            client.delete_trigger(step.trigger_id)
    after = look(client, settings)
    still_there = {one.uri for one in after.seen}
    _remember(settings.home, [uri for uri in _remembered(settings.home) if uri in still_there])
    return before.steps, after


def _kind(uri: str) -> str:
    return "poll" if uri.startswith("poll://") else "webhook"


def _remembered(home: Path) -> list[str]:
    path = home / _MEMORY
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[str])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}.", hint="It is a list of addresses in JSON; mend or remove it."
        ) from error


def _remember(home: Path, uris: Sequence[str]) -> None:
    path = home / _MEMORY
    fresh = path.with_suffix(".new")
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(sorted(set(uris))))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}.",
            hint="Set MEDIA_PIPELINE_HOME to a directory of your own.",
        ) from error
