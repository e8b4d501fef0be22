"""Comparison of the mirror with the cloud: counts of every slice, and assets chosen by chance, field by field.

Belongs here: what is asked of the cloud for a report, and keeping how it compares.
Not here: whether that is good or bad (``quality.expectations``), a comparison of everything (``media-pipeline drift``).
Tables: writes quality.slice_count, quality.sampled_asset.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Engine, Row

from media_pipeline.db import statements
from media_pipeline.db.engine import ENGINE_ROLE, read_only, transaction
from media_pipeline.errors import RemoteMalformed, RemoteNotFound
from media_pipeline.progress import Progress
from media_pipeline.remote import payloads
from media_pipeline.remote.client import CloudinaryClient
from media_pipeline.remote.payloads import FIELDS, Observation
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import AssetId, CallPurpose, ReportId, Slice

_IDS_A_CALL: Final = 100
_SINGLE_READS: Final = 20
"""Assets that an answer left out are asked for one by one, so many at most: a limit may have cut it."""

_PAUSES_SECONDS: Final = (2.0, 5.0)
"""The index of the search lags some seconds behind; only what still differs then is told."""


class _Counted(msgspec.Struct):
    total_count: int


@dataclass(frozen=True, slots=True)
class Parity:
    """How much was compared.

    Attributes:
        sampled_count: assets of which it is known how they compare; those that changed meanwhile are left out.
    """

    slice_count: int
    sampled_count: int
    field_count: int


def compare(
    engine: Engine, client: CloudinaryClient, settings: Settings, report_id: ReportId, *, progress: Progress
) -> Parity:
    """Ask the cloud, and keep how it compares under the report.

    One Admin API call a slice, and one for 100 sampled assets; more where something differs at first.

    Raises:
        RemoteError: the cloud could not be asked to the end; nothing of that part is kept.
    """
    counted = _count_slices(engine, client, settings.slices)
    with transaction(engine) as connection:
        statements.run(
            connection,
            "quality/080_write_slice_counts",
            report_id=report_id,
            resource_types=[one.resource_type.value for one in counted],
            delivery_types=[one.delivery_type for one in counted],
            cloud_counts=[cloud for cloud, _ in counted.values()],
            mirror_counts=[mirror for _, mirror in counted.values()],
        )
    sample = _compare_sample(engine, client, settings.quality_sample_count, progress)
    with transaction(engine) as connection:
        statements.run(
            connection,
            "quality/060_write_sample",
            report_id=report_id,
            assets=msgspec.json.encode(sample, enc_hook=str).decode(),
        )
    return Parity(len(counted), len(sample), sum(one["field_count"] for one in sample))


def _count_slices(engine: Engine, client: CloudinaryClient, slices: Sequence[Slice]) -> Mapping[Slice, tuple[int, int]]:
    """Cloudinary's own count and the mirror's, by slice."""
    counted: dict[Slice, tuple[int, int]] = {}
    asked = list(slices)
    for pause_seconds in (*_PAUSES_SECONDS, None):
        in_mirror = _count_mirror(engine)
        counted |= {
            one: (_count_cloud(client, one), in_mirror.get((one.resource_type, one.delivery_type), 0)) for one in asked
        }
        asked = [one for one in asked if counted[one][0] != counted[one][1]]
        if not asked or pause_seconds is None:
            break
        time.sleep(pause_seconds)
    return counted


def _count_cloud(client: CloudinaryClient, one: Slice) -> int:
    answer = client.search(
        f"resource_type={one.resource_type.value} AND type={one.delivery_type}",
        fields=["asset_id"],
        sort_by=[],
        cursor=None,
        max_results=1,
    )
    try:
        return msgspec.json.decode(answer.body, type=_Counted).total_count
    except msgspec.DecodeError as error:
        raise RemoteMalformed(
            f"The search does not say how many there are: {error}", call="search", request_id=answer.request_id
        ) from error


def _count_mirror(engine: Engine) -> dict[tuple[str, str], int]:
    with read_only(engine, role=ENGINE_ROLE) as connection:
        return {
            (row.resource_type, row.delivery_type): row.asset_count
            for row in statements.run(connection, "quality/070_count_slices")
        }


def _compare_sample(engine: Engine, client: CloudinaryClient, count: int, progress: Progress) -> list[dict[str, Any]]:
    with read_only(engine, role=ENGINE_ROLE) as connection:
        picked = statements.run(connection, "quality/040_pick_sample", row_limit=count).scalars().all()
    compared: list[dict[str, Any]] = []
    single_reads = _SINGLE_READS
    for start in range(0, len(picked), _IDS_A_CALL):
        ids = [AssetId(one) for one in picked[start : start + _IDS_A_CALL]]
        before = _mirrored(engine, ids)
        shown = _read(client, ids)
        absent = set()
        for one in itertools.islice((one for one in ids if one not in shown), single_reads):
            single_reads -= 1
            if not _is_there(client, one):
                absent.add(one)
        after = _mirrored(engine, ids)
        for one, row in after.items():
            # What was read or touched meanwhile may be newer here than the answer.
            if one in before and before[one].touch == row.touch:
                if one in absent:
                    compared.append(_absence(row))
                elif one in shown:
                    compared.append(_comparison(row, shown[one]))
        progress.advance("sample", done=len(ids), total=len(picked))
    return compared


def _mirrored(engine: Engine, ids: Sequence[AssetId]) -> dict[AssetId, Row[Any]]:
    with read_only(engine, role=ENGINE_ROLE) as connection:
        rows = statements.run(connection, "quality/050_read_mirrored", asset_ids=list(ids))
        return {AssetId(row.asset_id): row for row in rows}


def _read(client: CloudinaryClient, ids: Sequence[AssetId]) -> dict[AssetId, Observation]:
    answer = client.read_assets(ids, purpose=CallPurpose.OTHER)
    page = payloads.split_page(answer.body, call="by_asset_ids", request_id=answer.request_id)
    found = {}
    for item in page.items:
        try:
            observation = payloads.normalize(item.raw)
        except payloads.BadItem:
            # The next listing sets it aside and says why.
            continue
        found[observation.asset_id] = observation
    return found


def _is_there(client: CloudinaryClient, asset_id: AssetId) -> bool:
    try:
        client.read_asset(asset_id, purpose=CallPurpose.OTHER)
    except RemoteNotFound:
        return False
    return True


def _absence(row: Row[Any]) -> dict[str, Any]:
    return _compared(row, is_shown=False, is_current=None, field_count=0)


def _comparison(row: Row[Any], observation: Observation) -> dict[str, Any]:
    cloud = {name: _comparable(getattr(observation, name)) for name in FIELDS}
    mirror = {name: _comparable(getattr(row, name)) for name in FIELDS}
    differing = [name for name in FIELDS if cloud[name] != mirror[name]]
    return _compared(
        row,
        is_shown=True,
        is_current=bytes(row.fingerprint) == observation.fingerprint,
        field_count=len(FIELDS),
        differing_fields=differing,
        in_cloud={name: cloud[name] for name in differing},
        in_mirror={name: mirror[name] for name in differing},
    )


def _compared(row: Row[Any], **found: object) -> dict[str, Any]:
    nothing: dict[str, object] = {"differing_fields": [], "in_cloud": {}, "in_mirror": {}}
    return {"asset_id": row.asset_id, "public_id": row.public_id, **nothing, **found}


def _comparable(value: object) -> object:
    """Lists of either kind are equal where their members are."""
    return list(value) if isinstance(value, tuple) else value
