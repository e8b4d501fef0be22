"""``media-pipeline status``: one page on the state of this deployment.

Belongs here: the page, and what to do where there is nothing to show yet.
Not here: the reads behind it (``reads.status``), whether things are right (``cli.doctor``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from rich.console import Console
from rich.table import Table

from media_pipeline import __version__, push
from media_pipeline.cli import local, screen
from media_pipeline.cli.up import dagster_address
from media_pipeline.db import migrate
from media_pipeline.db.engine import place_of
from media_pipeline.errors import ExitCode, SpoolUnavailable
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.spool import SpoolDepth
from media_pipeline.ops import holds
from media_pipeline.ops.holds import Hold
from media_pipeline.push import Plan
from media_pipeline.reads.status import Run, SliceFreshness, Status, Wish, find_listing_wish, read_status
from media_pipeline.settings import Settings
from media_pipeline.vocabulary import ListingWish, RunState

_WISHES: Final = {
    ListingWish.FIRST: "nothing was ever listed",
    ListingWish.OUTAGE: "the days of an outage were read again, and what was deleted then is still to be found",
    ListingWish.FLOOD: "more changed than reads by id are worth",
}


class DatabaseState(StrEnum):
    """How far the database is."""

    ABSENT = "absent"
    EMPTY = "empty"
    OUTDATED = "outdated"
    DRIFTED = "drifted"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Database:
    """Where the mirror lives, without user and password."""

    place: str
    is_embedded: bool
    state: DatabaseState


@dataclass(frozen=True, slots=True)
class Report:
    """What the command says; *status* is None unless the database is ready."""

    version: str
    database: Database
    dagster_url: str | None
    status: Status | None
    holds: tuple[Hold, ...]
    held_plans: tuple[Plan, ...]
    spool: SpoolDepth | None
    listing_wish: Wish | None = None


def command(settings: Settings, *, is_json: bool) -> ExitCode:
    """Show the state."""
    report = _look(settings)
    screen.print_json(report) if is_json else _show(report, screen.out())
    return ExitCode.OK


def _look(settings: Settings) -> Report:
    is_embedded = settings.database_url is None
    dagster_url = dagster_address(settings.home)
    if is_embedded and not local.has_embedded_database(settings.home):
        database = Database(str(settings.home / "postgres"), True, DatabaseState.ABSENT)
        return Report(__version__, database, dagster_url, None, (), (), _spool(settings))
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        place = str(settings.home / "postgres") if is_embedded else place_of(engine.url)
        migrated = migrate.status(engine)
        if migrated.drifted:
            state = DatabaseState.DRIFTED
        elif migrated.pending:
            state = DatabaseState.OUTDATED if migrated.applied else DatabaseState.EMPTY
        else:
            state = DatabaseState.READY
        database = Database(place, is_embedded, state)
        if state is not DatabaseState.READY:
            return Report(__version__, database, dagster_url, None, (), (), _spool(settings))
        open_holds = tuple(holds.list_holds(engine))
        held = tuple(push.list_plans(engine, only_held=True))
        status = read_status(engine)
        wish = find_listing_wish(engine, settings.slices)
        return Report(__version__, database, dagster_url, status, open_holds, held, _spool(settings), wish)


def _spool(settings: Settings) -> SpoolDepth | None:
    """How much waits there; None where there is no spool."""
    try:
        return spool_of(settings).depth()
    except SpoolUnavailable:
        return None


def _show(report: Report, console: Console) -> None:
    status = report.status
    cloud = "no cloud yet" if status is None or status.cloud is None else str(status.cloud)
    console.print(f"[bold]Media Pipeline {report.version}[/bold]  {cloud}")
    kind = "embedded Postgres" if report.database.is_embedded else "Postgres"
    console.print(f"  Database  {kind}, {report.database.place}", markup=False)
    console.print(f"  Dagster   {report.dagster_url or 'not up here (media-pipeline up)'}", markup=False)
    if status is None:
        console.print(_next_step(report.database.state), markup=False)
    elif status.cloud is None:
        console.print(_next_step(DatabaseState.EMPTY), markup=False)
    else:
        _show_library(status, console)
        _show_arrivals(report, status, console)
        _show_waiting(report, status, console)
        _show_work(status, console)


def _next_step(state: DatabaseState) -> str:
    if state is DatabaseState.OUTDATED:
        return "\nThe database lacks migrations of this version: media-pipeline migrate"
    if state is DatabaseState.DRIFTED:
        return "\nThe database was migrated by another version of this program: media-pipeline doctor says which."
    return (
        "\nNothing is mirrored yet.\n"
        "  media-pipeline sync    mirrors the cloud of CLOUDINARY_URL, or the emulator where it is not set\n"
        "  media-pipeline demo    shows all of it with a sample library, on this machine alone"
    )


def _show_library(status: Status, console: Console) -> None:
    figures = status.statistics
    by_type = ", ".join(f"{count:,} {name}" for name, count in sorted(figures["by_resource_type"].items()))
    console.print(
        f"\n[bold]{screen.plural(figures['asset_count'], 'asset')}[/bold] ({by_type or 'none'}), "
        f"{screen.size(int(figures['total_size_bytes']))}, {screen.plural(figures['folder_count'], 'folder')}, "
        f"{screen.plural(figures['metadata_field_count'], 'metadata field')}, {figures['deleted_count']:,} deleted"
    )
    if status.slices:
        console.print(_slices(status.slices))


def _show_arrivals(report: Report, status: Status, console: Console) -> None:
    lag, spool = status.lag, report.spool
    if lag.last_proved_at is not None:
        half, most = lag.applied_p50_seconds, lag.applied_p95_seconds
        figures = (
            "" if half is None or most is None else f"; half of them within {half:.0f} s, 95 % within {most:.0f} s"
        )
        console.print(f"Changes arrive: last proved {screen.ago(lag.last_proved_at)}{figures}.", markup=False)
    if spool is not None and spool.file_count and spool.oldest_at is not None:
        files = screen.plural(spool.file_count, "file")
        console.print(
            f"Notifications that wait: {files}, the oldest since {screen.ago(spool.oldest_at)}.", markup=False
        )
    if spool is not None and spool.quarantined_count:
        files = screen.plural(spool.quarantined_count, "change file")
        console.print(f"In the spool's quarantine: {files}.  media-pipeline spool list", style="bold yellow")
    for gap in status.gaps:
        until = "now" if gap.to_at is None else f"{gap.to_at:%Y-%m-%d %H:%M}"
        days = gap.days(datetime.now(UTC).date())
        console.print(
            f"Notifications were lost between {gap.from_at:%Y-%m-%d %H:%M} and {until} UTC.  "
            f"media-pipeline backfill --from {days[0]} --to {days[-1]}",
            style="bold yellow",
            markup=False,
        )


def _slices(slices: tuple[SliceFreshness, ...]) -> Table:
    table = screen.rows("Slice", "Listed completely", "Assets", "Pages", "", numbers=[2, 3])
    for one in slices:
        screen.add_row(
            table,
            f"{one.resource_type}/{one.delivery_type}",
            screen.ago(one.complete_at) if one.complete_at else "never",
            "" if one.asset_count is None else f"{one.asset_count:,}",
            "" if one.page_count is None else f"{one.page_count:,}",
            f"broken: {one.broken_reason}" if one.broken_reason else "",
        )
    return table


def _show_waiting(report: Report, status: Status, console: Console) -> None:
    for hold in report.holds:
        console.print(
            f"Waiting for you: {hold.reason}  media-pipeline holds show {hold.id}", style="bold yellow", markup=False
        )
    for plan in report.held_plans:
        console.print(
            f"Waiting for you: {plan.reason}  media-pipeline plan show {plan.id}", style="bold yellow", markup=False
        )
    if report.listing_wish is not None:
        console.print(
            f"A full sync is wanted: {_WISHES[report.listing_wish.reason]}.  media-pipeline sync", style="bold yellow"
        )
    edits = status.edits
    if edits.pending_count or edits.unconfirmed_count:
        console.print(
            f"Edits on their way to the cloud: {edits.pending_count:,} pending ({edits.held_count:,} held), "
            f"{edits.unconfirmed_count:,} sent and to be confirmed by a read.  media-pipeline push",
            markup=False,
        )
    if edits.claims is not None:
        console.print(edits.claims, markup=False)
    if edits.conflict_count:
        conflicts = screen.plural(edits.conflict_count, "conflict")
        console.print(
            f"Changed on both sides, for you to decide: {conflicts}.  media-pipeline conflicts list",
            style="bold yellow",
            markup=False,
        )
    if status.queue.asset_count:
        assets = screen.plural(status.queue.asset_count, "asset")
        console.print(f"{assets} to be read again by id, {status.queue.due_count:,} of them now.")
    if status.quarantine.record_count:
        records = screen.plural(status.quarantine.record_count, "record")
        console.print(f"{records} in quarantine:", style="bold yellow")
        for record in status.quarantine.newest:
            console.print(f"  {record.asset_id or 'no asset_id'}  {record.reason}: {record.detail}", markup=False)


def _show_work(status: Status, console: Console) -> None:
    table = screen.rows("Run", "What", "State", "Started", "Took", "By", numbers=[0])
    for run in status.runs:
        screen.add_row(
            table, str(run.id), run.kind.value, run.state.value, screen.ago(run.started_at), _took(run), run.actor
        )
    console.print(table)
    last = status.runs[0] if status.runs else None
    if last is not None and last.state is RunState.FAILED:
        console.print(f"The last run failed: {last.error}", style="bold red", markup=False)
    for activity in status.activities:
        console.print(
            f"At work: {activity.activity}, {activity.holder}, since {screen.ago(activity.acquired_at)}", markup=False
        )
    if status.allowance is not None:
        allowance = status.allowance
        spent = sum(allowance.spent_by_purpose.values())
        reset = f"{allowance.reset_at:%H:%M} UTC" if allowance.reset_at > datetime.now(UTC) else "the next answer"
        console.print(
            f"Admin API calls: {allowance.remaining_count:,} of {allowance.limit_count:,} left until {reset}, "
            f"{spent:,} spent by us in this hour."
        )


def _took(run: Run) -> str:
    return "" if run.finished_at is None else f"{(run.finished_at - run.started_at).total_seconds():.1f} s"
