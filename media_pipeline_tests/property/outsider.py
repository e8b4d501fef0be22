"""The world outside: somebody who works in the cloud, what the cloud says of itself, and what goes wrong on the way.

Belongs here: edits with a record of them, the truth by plain HTTP, fault plans.
Not here: the mirror, and what it has to do with all this.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from hypothesis import strategies as st

from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.remote.calls import TagCommand
from media_pipeline.vocabulary import AssetId, ResourceType
from media_pipeline_tests.mirror.conftest import Rig

SCALARS = ("public_id", "display_name", "asset_folder")
"""Fields that have one value, so that who writes later overwrites."""

NAMES = [f"n{number}" for number in range(12)]
_SLICE: dict[str, Any] = {"resource_type": ResourceType.IMAGE, "delivery_type": "upload"}

_LIST = {"method": "GET", "path": "/resources/image/upload"}
_POINT_READ = {"method": "GET", "path": "/resources/by_asset_ids"}
_DETAIL = {"method": "GET", "path": f"/resources/{'?' * 32}"}


def truth(endpoints: Endpoints) -> dict[str, dict[str, Any]]:
    """Every asset that the cloud lists as present, by asset_id; by plain HTTP, without any code of the program."""
    return {one["asset_id"]: one for one in _listed(endpoints) if not one.get("placeholder")}


def _listed(endpoints: Endpoints) -> list[dict[str, Any]]:
    """Everything that is listed, remnants of deleted assets included: they keep their names."""
    address = urlsplit(endpoints.cloudinary_url)
    # Plain HTTP needs no certificates, and loading them takes longer than the call.
    with httpx.Client(verify=False, trust_env=False, auth=(address.username or "", address.password or "")) as http:
        answer = http.get(
            f"{endpoints.base_url}/v1_1/{endpoints.cloud_name}/resources/image/upload",
            params={"max_results": "500", "tags": "true", "context": "true"},
        )
    page = answer.raise_for_status().json()
    assert "next_cursor" not in page
    return list(page["resources"])


@dataclass(slots=True)
class Outsider:
    """Works in the cloud, and keeps a record of what the mirror may conclude from it."""

    rig: Rig
    known: list[AssetId] = field(default_factory=list)
    deletions: Counter[AssetId] = field(default_factory=Counter)
    returns: Counter[AssetId] = field(default_factory=Counter)
    written: dict[tuple[AssetId, str], tuple[str, int]] = field(default_factory=dict)
    """What the outsider last gave each scalar field of an asset, and the newest operation at that time."""

    def live(self) -> list[AssetId]:
        """Ids of the assets that are there, in a fixed order."""
        there = truth(self.rig.endpoints)
        return [one for one in self.known if one in there]

    def upload(self, name: str, colour: int) -> None:
        """A new picture, another one under an old name, or a deleted asset that comes back under its name."""
        before = set(self.live())
        asset_id = self.rig.upload(name, colour=colour)
        if asset_id not in self.known:
            self.known.append(asset_id)
        elif asset_id not in before:
            self.returns[asset_id] += 1
        self._brought(asset_id)

    def _brought(self, asset_id: AssetId) -> None:
        """All fields of the asset are as the outsider's last act left them."""
        there = truth(self.rig.endpoints)[asset_id]
        for name in SCALARS:
            self._wrote(asset_id, name, there[name])

    def _wrote(self, asset_id: AssetId, name: str, value: str) -> None:
        ((newest,),) = self.rig.query("select coalesce(max(id), 0) from outbox.operation")
        self.written[asset_id, name] = value, newest

    def edit(self, which: int, how: str, value: int) -> None:
        """Upload, restore, or change one asset that is there, if any is."""
        there = truth(self.rig.endpoints)
        live = [one for one in self.known if one in there]
        if how == "upload":
            self.upload(NAMES[which % len(NAMES)], value)
        elif how == "restore":
            self.restore(which)
        elif live:
            asset_id = live[which % len(live)]
            self._change(asset_id, there[asset_id]["public_id"], how, value)

    def _change(self, asset_id: AssetId, name: str, how: str, value: int) -> None:
        with self.rig.client() as client:
            match how:
                case "tag":
                    command = TagCommand.REMOVE if value % 3 == 0 else TagCommand.ADD
                    client.change_tags(command, [f"t{value % 4}"], public_ids=[name], **_SLICE)
                case "context":
                    client.update(asset_id, context={f"k{value % 3}": f"v{value}"})
                case "move":
                    client.update(asset_id, asset_folder=f"f{value % 3}")
                    self._wrote(asset_id, "asset_folder", f"f{value % 3}")
                case "title":
                    client.update(asset_id, display_name=f"Title {value}")
                    self._wrote(asset_id, "display_name", f"Title {value}")
                case "rename":
                    taken = {one["public_id"] for one in _listed(self.rig.endpoints)}
                    to = NAMES[value % len(NAMES)]
                    if to not in taken:
                        client.rename(name, to, **_SLICE)
                        self._wrote(asset_id, "public_id", to)
                case _:
                    raise ValueError(how)

    def delete(self, first: int, count: int) -> None:
        """Delete some of the assets that are there."""
        live = self.live()
        if not live:
            return
        chosen = [live[(first + number) % len(live)] for number in range(min(count, len(live)))]
        with self.rig.client() as client:
            client.delete_assets(chosen)
        gone = set(chosen) - set(truth(self.rig.endpoints))
        assert gone == set(chosen)
        self.deletions.update(chosen)

    def restore(self, which: int) -> None:
        """Bring a deleted asset back, where the cloud kept a backup."""
        remnants = [one for one in _listed(self.rig.endpoints) if one.get("placeholder")]
        if remnants:
            remnant = remnants[which % len(remnants)]
            self.rig.restore(remnant["public_id"])
            self.returns[AssetId(remnant["asset_id"])] += 1
            self._brought(AssetId(remnant["asset_id"]))


def _rules(where: dict[str, str], kinds: list[dict[str, Any]]) -> st.SearchStrategy[Rule]:
    when = {"first": st.integers(1, 2), "times": st.sampled_from([None, 1, 2, 3])}
    fixed = [{name: st.just(value) for name, value in {**where, **kind}.items()} for kind in kinds]
    return st.one_of([st.builds(Rule, **{**when, **one}) for one in fixed])


def _kind(kind: Kind, **options: Any) -> dict[str, Any]:
    return {"kind": kind, **options}


# Answers that nobody could take for a good one.
_TROUBLE = [
    _kind(Kind.STATUS, status=500),
    _kind(Kind.STATUS, status=503),
    _kind(Kind.HTML, status=200),
    _kind(Kind.HTML, status=502),
    _kind(Kind.TRUNCATED_JSON),
    _kind(Kind.ERROR_WITH_200),
    _kind(Kind.RESET_BEFORE_EFFECT),
    _kind(Kind.RESET_AFTER_EFFECT),
    _kind(Kind.REVOKED_KEY),
    _kind(Kind.QUOTA),
]
_CURSORS = [_kind(Kind.REPEATED_CURSOR), _kind(Kind.EXPIRED_CURSOR)]
# Answers that look good and hide assets.
_SHORT_PAGES = [
    _kind(Kind.EMPTY_PAGE),
    *(_kind(kind, keep=keep) for kind in (Kind.TRUNCATED_PAGE, Kind.CUT_ANSWER) for keep in (0, 1)),
]
_EMPTY_POINT_READS = [
    _kind(Kind.EMPTY_PAGE),
    _kind(Kind.STATUS, status=200, body='{"resources": []}'),
]
_CUT_POINT_READS = [_kind(Kind.CUT_ANSWER, keep=keep) for keep in (0, 1, 2, 3)]
# Among other faults a cut is a limit of the API, which holds for every answer: two answers that are cut by chance, the
# second one less, could look like a proof.
_LIMITED_POINT_READS = [{**cut, "first": 1, "times": None} for cut in _CUT_POINT_READS]

short_pages = _rules(_LIST, _SHORT_PAGES)
"""A rule that hides assets from a listing."""

short_point_reads = _rules(_POINT_READ, [*_EMPTY_POINT_READS, *_CUT_POINT_READS])
"""A rule that hides assets from reads by their ids."""

fault_plans = st.lists(
    st.one_of(
        _rules(_LIST, [*_TROUBLE, *_CURSORS]),
        _rules(_POINT_READ, _TROUBLE),
        _rules(_DETAIL, _TROUBLE),
        short_pages,
        _rules(_POINT_READ, [*_EMPTY_POINT_READS, *_LIMITED_POINT_READS]),
    ),
    min_size=1,
    max_size=3,
)
"""Plans of one to three rules over the reads that a sync makes."""
