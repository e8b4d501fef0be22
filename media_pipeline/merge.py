"""Three-way merge of one operation with what Cloudinary has. Pure: values in, decisions out.

Belongs here: what an edit, its base and the remote value make together, field by field.
Not here: where the values come from (``outbox``, ``push``), what is done about a conflict (``outbox``).

Values are as JSON has them; None stands for a key that is not there. Fields are compared by the kind of operation:
a *set* (tags) is merged member by member, everything else value by value.

                    only we changed it   only they changed it   both, to the same   both, differently
    set             our delta            theirs                 nothing             both deltas
    key or field    our value            theirs                 nothing             conflict
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

TAGS: Final = "tags"
"""The one field that is a set."""

MAPS: Final = frozenset({"context", "metadata"})
"""Fields that are merged key by key."""

EDITABLE_FIELDS: Final = frozenset({"public_id", TAGS, *MAPS, "display_name", "asset_folder", "access_control"})
"""Columns of media_assets that people may edit and that Cloudinary has."""


class ConflictPolicy(StrEnum):
    """Who wins where both sides changed the same field."""

    MANUAL = "manual"
    REMOTE_WINS = "remote_wins"
    LOCAL_WINS = "local_wins"


@dataclass(frozen=True, slots=True)
class Clash:
    """One key that both sides changed, differently."""

    key: str
    base: Any
    local: Any
    remote: Any


@dataclass(frozen=True, slots=True)
class Merge:
    """What is left of an operation over what Cloudinary has now.

    Attributes:
        base: the remote values that the rest of the operation starts from.
        wanted: what is still to be done; empty when Cloudinary has it all already.
        clashes: keys left out of both, for somebody to decide.
    """

    base: Mapping[str, Any]
    wanted: Mapping[str, Any]
    clashes: tuple[Clash, ...] = ()


def merge(base: Mapping[str, Any], wanted: Mapping[str, Any], remote: Mapping[str, Any]) -> Merge:
    """Merge an operation with the remote values of its keys.

    Args:
        base: values when the edit was recorded.
        wanted: values of the edit, of the same keys.
        remote: values now; a key that is missing has none.
    """
    rest_base: dict[str, Any] = {}
    rest_wanted: dict[str, Any] = {}
    clashes = []
    for key, local in wanted.items():
        there = remote.get(key)
        if key == TAGS and isinstance(local, list):
            added, removed = tag_delta(base.get(key), local)
            both = sorted((set(there or ()) | added) - removed)
            if both != sorted(there or ()):
                rest_base[key], rest_wanted[key] = sorted(there or ()), both
        elif _same(there, local):
            continue
        elif _same(there, base.get(key)):
            rest_base[key], rest_wanted[key] = there, local
        else:
            clashes.append(Clash(key, base.get(key), local, there))
    return Merge(rest_base, rest_wanted, tuple(clashes))


def _same(one: Any, other: Any) -> bool:
    """Equal, where a list of choices has no order."""
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(part, str) for part in (*one, *other)):
        return sorted(one) == sorted(other)
    return bool(one == other)


def tag_delta(base: list[str] | None, wanted: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The tags that an edit added and those that it removed."""
    return frozenset(wanted) - frozenset(base or ()), frozenset(base or ()) - frozenset(wanted)


def settle(merged: Merge, policy: ConflictPolicy) -> Merge:
    """Let a policy decide the clashes; ``manual`` leaves them."""
    match policy:
        case ConflictPolicy.MANUAL:
            return merged
        case ConflictPolicy.REMOTE_WINS:
            return Merge(merged.base, merged.wanted)
        case ConflictPolicy.LOCAL_WINS:
            return Merge(
                {**merged.base, **{clash.key: clash.remote for clash in merged.clashes}},
                {**merged.wanted, **{clash.key: clash.local for clash in merged.clashes}},
            )


def overlay(remote: Any, field: str, wanted: Mapping[str, Any]) -> Any:
    """The value that people see of *field*: the remote one with what is wanted put over it."""
    if field in MAPS:
        merged = {**(remote or {}), **wanted}
        return {key: value for key, value in merged.items() if value is not None}
    return wanted.get(field, remote)


def values_of(field: str, remote: Mapping[str, Any]) -> Mapping[str, Any]:
    """The remote values of an operation's keys, out of a whole asset.

    Args:
        field: the column that the operation edits.
        remote: column to value, as the mirror has the asset.
    """
    if field in MAPS:
        return remote.get(field) or {}
    if field == "access_control":
        return {field: remote.get(field) or []}
    return {field: remote.get(field)}
