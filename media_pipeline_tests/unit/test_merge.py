"""The three-way merge: its table, and what holds for any three values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pipeline.merge import Clash, ConflictPolicy, Merge, merge, overlay, settle, tag_delta

tags = st.lists(st.sampled_from("abcdef"), unique=True).map(sorted)
values = st.sampled_from([None, "x", "y", "z"])
maps = st.dictionaries(st.sampled_from(["k", "l", "m"]), values)


def edit(base: dict[str, Any], local: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is recorded of an edit from one map to another."""
    keys = [key for key in {*base, *local} if base.get(key) != local.get(key)]
    return {key: base.get(key) for key in keys}, {key: local.get(key) for key in keys}


@pytest.mark.parametrize(
    ("remote", "merged"),
    [
        ("old", Merge({"display_name": "old"}, {"display_name": "new"})),
        ("new", Merge({}, {})),
        ("else", Merge({}, {}, (Clash("display_name", "old", "new", "else"),))),
        (None, Merge({}, {}, (Clash("display_name", "old", "new", None),))),
    ],
)
def test_a_scalar_is_ours_theirs_nobodys_or_a_conflict(remote: str | None, merged: Merge) -> None:
    assert merge({"display_name": "old"}, {"display_name": "new"}, {"display_name": remote}) == merged


def test_a_map_is_merged_key_by_key() -> None:
    base, wanted = edit({"alt": "a", "caption": "c", "old": "o"}, {"alt": "A", "caption": "C"})

    merged = merge(base, wanted, {"alt": "a", "caption": "theirs", "old": "o", "other": "x"})

    assert merged.wanted == {"alt": "A", "old": None}
    assert [clash.key for clash in merged.clashes] == ["caption"]


def test_tags_of_both_sides_are_united_and_never_clash() -> None:
    merged = merge({"tags": ["a", "b"]}, {"tags": ["b", "c"]}, {"tags": ["a", "b", "d"]})

    assert merged == Merge({"tags": ["a", "b", "d"]}, {"tags": ["b", "c", "d"]})
    # Who removes a tag wins over who added it again.
    assert merge({"tags": ["a"]}, {"tags": []}, {"tags": ["a"]}).wanted == {"tags": []}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (ConflictPolicy.MANUAL, Merge({}, {}, (Clash("alt", "a", "b", "c"),))),
        (ConflictPolicy.REMOTE_WINS, Merge({}, {})),
        (ConflictPolicy.LOCAL_WINS, Merge({"alt": "c"}, {"alt": "b"})),
    ],
)
def test_a_policy_decides_what_clashes(policy: ConflictPolicy, expected: Merge) -> None:
    assert settle(merge({"alt": "a"}, {"alt": "b"}, {"alt": "c"}), policy) == expected


def test_what_people_see_is_the_remote_value_with_their_edit_over_it() -> None:
    assert overlay({"a": "1", "b": "2"}, "context", {"b": None, "c": "3"}) == {"a": "1", "c": "3"}
    assert overlay("remote", "display_name", {"display_name": "ours"}) == "ours"
    assert overlay("remote", "display_name", {}) == "remote"
    assert overlay(None, "metadata", {"x": 1}) == {"x": 1}


@given(base=maps, local=maps)
def test_an_edit_over_its_own_base_is_done_whole(base: dict[str, Any], local: dict[str, Any]) -> None:
    old, wanted = edit(base, local)

    merged = merge(old, wanted, base)

    assert (merged.wanted, merged.clashes) == (wanted, ())


@given(base=maps, local=maps, remote=maps)
def test_nothing_is_touched_that_the_edit_did_not_touch(
    base: dict[str, Any], local: dict[str, Any], remote: dict[str, Any]
) -> None:
    old, wanted = edit(base, local)

    merged = merge(old, wanted, remote)

    assert {*merged.wanted, *(clash.key for clash in merged.clashes)} <= set(wanted)
    assert all(clash.remote not in (clash.local, clash.base) for clash in merged.clashes)
    # Merged once more after it was done, nothing is left.
    after = overlay(remote, "context", merged.wanted)
    again = merge(merged.base, merged.wanted, after)
    assert (again.wanted, again.clashes) == ({}, ())


@given(base=tags, local=tags, remote=tags)
def test_tags_keep_what_others_did_and_what_we_did(base: list[str], local: list[str], remote: list[str]) -> None:
    added, removed = tag_delta(base, local)

    merged = merge({"tags": base}, {"tags": local}, {"tags": remote})

    result = set(merged.wanted.get("tags", remote))
    assert merged.clashes == ()
    assert added <= result
    assert not removed & result
    assert result - added == set(remote) - removed - added


@given(base=tags, ours=tags, theirs=tags)
def test_two_edits_of_tags_that_do_not_contradict_each_other_may_come_in_any_order(
    base: list[str], ours: list[str], theirs: list[str]
) -> None:
    (our_added, our_removed), (their_added, their_removed) = tag_delta(base, ours), tag_delta(base, theirs)
    if our_added & their_removed or their_added & our_removed:
        return

    def after(edit: list[str], there: list[str]) -> list[str]:
        result: list[str] = merge({"tags": base}, {"tags": edit}, {"tags": there}).wanted.get("tags", there)
        return result

    assert after(ours, after(theirs, base)) == after(theirs, after(ours, base))


@given(
    base=maps, local=maps, remote=maps, policy=st.sampled_from([ConflictPolicy.REMOTE_WINS, ConflictPolicy.LOCAL_WINS])
)
def test_a_policy_leaves_nothing_undecided(
    base: dict[str, Any], local: dict[str, Any], remote: dict[str, Any], policy: ConflictPolicy
) -> None:
    old, wanted = edit(base, local)

    settled = settle(merge(old, wanted, remote), policy)

    assert settled.clashes == ()
    assert set(settled.base) == set(settled.wanted)
