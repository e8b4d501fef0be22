"""Drift: whether every mirrored field of every asset is in Postgres what it is in the cloud.

Belongs here: the comparison both ways, its report, the command.
Not here: asking the cloud (``cli.witness``); mending a difference, which is the next sync's work.

The cloud is walked page by page and the rows are read as the pages come, so memory does not grow with the
library. What changes in the cloud between the last sync and the walk shows as drift, rightly.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine

from media_pipeline.cli import local, screen, watch
from media_pipeline.cli.witness import COLUMNS, Item, Witness, moment
from media_pipeline.db import migrate, statements
from media_pipeline.db.engine import ENGINE_ROLE, own_connection, take_role
from media_pipeline.errors import ConfigurationError, ExitCode
from media_pipeline.settings import CloudCredentials, Settings
from media_pipeline.vocabulary import ResourceType, Slice

SLICES: Final = tuple(Slice(one, other) for one in ResourceType for other in ("upload", "private", "authenticated"))
"""What is compared unless the caller says otherwise."""

_SHOWN_AT_MOST: Final = 20
_BATCH: Final = 1000
_TEXT_AT_MOST: Final = 100


class Problem(StrEnum):
    """How mirror and cloud differ in one thing."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Difference:
    """One of them.

    Attributes:
        what: asset, folder or metadata field.
        key: asset_id, path or external id.
        name: public_id, path or label.
        problem: missing and extra are seen from the mirror.
        field: the column that differs; None for what one side lacks as a whole.
        in_cloud: its value there; None also for what the cloud lacks.
        in_mirror: its value in Postgres, likewise.
    """

    what: str
    key: str
    name: str
    problem: Problem
    field: str | None = None
    in_cloud: object = None
    in_mirror: object = None


@dataclass(frozen=True, slots=True)
class DriftReport:
    """The outcome of a comparison.

    Attributes:
        drifted: assets, folders and definitions that are not the same on both sides.
        assets: live assets of the cloud and of the mirror together.
        fields: values that were compared, those of folders and definitions included.
        differences: the first of them, for people.
        by_field: how many values differ, by column.
    """

    drifted: int
    assets: int
    fields: int
    folders: int
    metadata_fields: int
    differences: tuple[Difference, ...]
    by_field: Mapping[str, int]
    call_count: int
    duration_seconds: float

    @property
    def last_line(self) -> str:
        """The sentence that scripts look for."""
        return f"drift {self.drifted} of {self.assets} assets, {self.fields} fields"


def compare(
    credentials: CloudCredentials,
    engine: Engine,
    *,
    slices: Sequence[Slice] = SLICES,
    on_page: Callable[[int], None] = lambda _: None,
) -> DriftReport:
    """Compare the cloud with ``media_assets``, ``media_folders`` and ``media_metadata_fields``.

    Args:
        slices: what of the cloud is mirrored; rows of other slices are left alone.
        on_page: told how many assets each page held.

    Raises:
        RemoteError: the cloud could not be read to its end; nothing is concluded.
        DatabaseUnreachable: no connection.

    Reads: Admin API lists, folder search, definitions. Writes: a temporary table of its own session.
    """
    started = time.monotonic()
    with (
        Witness(credentials) as witness,
        own_connection(engine, "media-pipeline drift") as connection,
    ):
        tally = _Tally()
        assets = _Assets(witness, connection, tally)
        for slice_ in slices:
            for page in witness.pages(slice_):
                assets.compare_page(page)
                on_page(len(page))
        assets.find_extra(slices)
        folders = _compare_folders(witness, connection, tally)
        definitions = _compare_definitions(witness, connection, tally)
        return DriftReport(
            drifted=tally.drifted,
            assets=assets.count,
            fields=tally.fields,
            folders=folders,
            metadata_fields=definitions,
            differences=tuple(tally.differences),
            by_field=dict(tally.by_field),
            call_count=witness.call_count,
            duration_seconds=time.monotonic() - started,
        )


class _Tally:
    """Counts, and the first differences."""

    def __init__(self) -> None:
        self.drifted = 0
        self.fields = 0
        self.differences: list[Difference] = []
        self.by_field: Counter[str] = Counter()

    def lacks(self, what: str, key: str, name: str, problem: Problem) -> None:
        self.drifted += 1
        self._keep(Difference(what, key, name, problem))

    def compare(
        self, what: str, key: str, name: str, cloud: Mapping[str, object], mirror: Mapping[str, object]
    ) -> None:
        """Compare the values of one thing that both sides have."""
        self.fields += len(cloud)
        differing = [field for field, value in cloud.items() if not _is_same(value, mirror[field])]
        self.drifted += bool(differing)
        self.by_field.update(differing)
        for field in differing:
            self._keep(Difference(what, key, name, Problem.DIFFERS, field, cloud[field], mirror[field]))

    def _keep(self, difference: Difference) -> None:
        if len(self.differences) < _SHOWN_AT_MOST:
            self.differences.append(difference)


def _is_same(cloud: object, mirror: object) -> bool:
    """Equality without Python's ``1 == True``."""
    return type(cloud) is type(mirror) and cloud == mirror


class _Assets:
    """The comparison of assets; the ids that the cloud showed are kept in Postgres, not in memory."""

    def __init__(self, witness: Witness, connection: Connection, tally: _Tally) -> None:
        self.count = 0
        self._witness = witness
        self._connection = connection
        self._tally = tally
        with connection.begin():
            take_role(connection, ENGINE_ROLE)
            self._fields = [row.name for row in statements.run(connection, "reads/200_list_asset_fields")]
            statements.run(connection, "reads/220_make_cloud_has")
        unknown = [name for name in self._fields if name not in COLUMNS]
        if unknown:
            raise ConfigurationError(
                f"The comparison does not know how Cloudinary writes: {', '.join(unknown)}.",
                hint="Teach it in media_pipeline/cli/witness.py; a field that is not compared is not proved.",
            )

    def compare_page(self, page: Sequence[Item]) -> None:
        """Compare the assets of one page with their rows."""
        readable = []
        for item in page:
            if isinstance(item.get("asset_id"), str):
                readable.append(item)
            else:
                self.count += 1
                self._tally.lacks("asset", "", str(item.get("public_id")), Problem.MISSING)
        # A listed remnant is a deleted asset with a backup, unless a read by id still shows it.
        remnants = [item["asset_id"] for item in readable if item.get("placeholder") is True]
        deleted = set(remnants) - self._witness.exist(remnants)
        live = {item["asset_id"]: item for item in readable if item["asset_id"] not in deleted}
        with self._connection.begin():
            take_role(self._connection, ENGINE_ROLE)
            # The order of a walk may show an asset twice.
            new = statements.run(self._connection, "reads/225_note_cloud_has", asset_ids=list(live)).scalars().all()
            rows = {
                row.asset_id: row.fields
                for row in statements.run(self._connection, "reads/210_read_live_assets", asset_ids=list(new))
            }
        self.count += len(new)
        for asset_id in new:
            item = live[asset_id]
            if asset_id not in rows:
                self._tally.lacks("asset", asset_id, item["public_id"], Problem.MISSING)
                continue
            cloud = {field: COLUMNS[field](item) for field in self._fields}
            mirror = {field: _as_python(field, rows[asset_id][field]) for field in self._fields}
            self._tally.compare("asset", asset_id, item["public_id"], cloud, mirror)

    def find_extra(self, slices: Sequence[Slice]) -> None:
        """Find live rows that no page showed; call after the last page."""
        names = [str(slice_) for slice_ in slices]
        after_id = ""
        while True:
            with self._connection.begin():
                take_role(self._connection, ENGINE_ROLE)
                batch = {"slices": names, "after_id": after_id, "row_limit": _BATCH}
                rows = statements.run(self._connection, "reads/230_list_extra_assets", **batch).all()
            for row in rows:
                self._tally.lacks("asset", row.asset_id, row.public_id, Problem.EXTRA)
            self.count += len(rows)
            if len(rows) < _BATCH:
                return
            after_id = rows[-1].asset_id


def _as_python(field: str, value: Any) -> object:
    """A value of a row as JSON has it, in the form in which the witness gives it."""
    if field == "created_at":
        return moment(value)
    return sorted(value) if field == "tags" else value


def _compare_folders(witness: Witness, connection: Connection, tally: _Tally) -> int:
    cloud = {
        path: {
            "name": path.rpartition("/")[2],
            "parent_path": path.rpartition("/")[0] or None,
            "external_id": external_id,
        }
        for path, external_id in witness.folders().items()
    }
    mirror = {row["path"]: row for row in _rows(connection, "reads/240_list_folders")}
    return _compare_all("folder", cloud, mirror, tally)


def _compare_definitions(witness: Witness, connection: Connection, tally: _Tally) -> int:
    definitions = witness.metadata_fields()
    cloud = {
        field["external_id"]: {
            "label": field.get("label", field["external_id"]),
            "type": field["type"],
            "is_mandatory": field.get("mandatory") is True,
            "default_value": field.get("default_value"),
            "validation": field.get("validation"),
            "datasource": field.get("datasource"),
        }
        for field in definitions
    }
    mirror = {row["external_id"]: row for row in _rows(connection, "reads/250_list_metadata_fields")}
    return _compare_all("metadata field", cloud, mirror, tally)


def _rows(connection: Connection, statement: str) -> list[Mapping[str, Any]]:
    with connection.begin():
        take_role(connection, ENGINE_ROLE)
        return [dict(row) for row in statements.run(connection, statement).mappings()]


def _compare_all(
    what: str,
    cloud: Mapping[str, Mapping[str, object]],
    mirror: Mapping[str, Mapping[str, object]],
    tally: _Tally,
) -> int:
    keys = sorted({*cloud, *mirror})
    for key in keys:
        if key not in mirror:
            tally.lacks(what, key, key, Problem.MISSING)
        elif key not in cloud:
            tally.lacks(what, key, key, Problem.EXTRA)
        else:
            tally.compare(what, key, key, cloud[key], mirror[key])
    return len(keys)


def show(report: DriftReport, tell: Callable[[str], None]) -> None:
    """Say what differs, then the one line that scripts look for."""
    for one in report.differences:
        if one.field is None:
            where = "is in the cloud only" if one.problem is Problem.MISSING else "is in the mirror only"
            tell(f"  {one.what} {one.name} {where}")
        else:
            tell(f"  {one.what} {one.name}: {one.field} is {_text(one.in_mirror)}, in the cloud {_text(one.in_cloud)}")
    if report.drifted > len(report.differences):
        fields = ", ".join(f"{field} {count}" for field, count in sorted(report.by_field.items()))
        tell(f"  … these are the first {len(report.differences)} differences; values that differ by column: {fields}")
    tell(report.last_line)


def _text(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _TEXT_AT_MOST else text[:_TEXT_AT_MOST] + "…"


def command(settings: Settings, *, is_json: bool) -> ExitCode:
    """Compare and say what differs.

    Raises:
        RemoteError, DatabaseError: one of the two could not be read.
    """
    with local.running(settings) as live, local.database(live) as engine, watch.progress() as progress:
        migrate.require_current(engine)
        report = compare(
            local.credentials(live),
            engine,
            slices=settings.slices,
            on_page=lambda count: progress.advance("compare", done=1, assets=count),
        )
    if is_json:
        screen.print_json(report)
    else:
        console = screen.out()
        show(report, lambda text: console.print(text, markup=False))
    return ExitCode.DRIFT if report.drifted else ExitCode.OK
