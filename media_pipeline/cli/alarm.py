"""``media-pipeline alarm``: whether changes still arrive, asked by somebody who does not depend on what he asks about.

Belongs here: the look, its verdict, telling it to people.
Not here: touching the canary (``canary``), the figures (``reads.lag``).

It needs no Dagster: a scheduler that stopped, a daemon that hangs or a sensor that fails is just what it must notice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from media_pipeline import canary
from media_pipeline.cli import local, screen
from media_pipeline.cli.failures import Terminated
from media_pipeline.db import migrate
from media_pipeline.db.engine import read_only
from media_pipeline.errors import DatabaseError, ExitCode, MediaPipelineError, SpoolError, SpoolFull
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.spool import SpoolDepth
from media_pipeline.reads.lag import Lag, Syncs, read_lag, read_syncs
from media_pipeline.settings import Settings

log = structlog.get_logger()

_REPEAT_AFTER = timedelta(hours=1)
_TITLE = "Media Pipeline: changes do not arrive"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found.

    Attributes:
        problems: a sentence each, with what to do; empty where all is well.
        proved_at: the newest change that is known to have arrived, or where no canary is touched the last sync.
    """

    problems: tuple[str, ...]
    proved_at: datetime | None
    spool: SpoolDepth | None
    looked_at: datetime

    @property
    def exit_code(self) -> ExitCode:
        """Failed where there is a problem."""
        return ExitCode.FAILED if self.problems else ExitCode.OK


def command(settings: Settings, *, every_seconds: float | None, is_json: bool) -> ExitCode:
    """Look once, or again and again until Ctrl-C; tell what is wrong on the log, by the exit code and where wanted."""
    if every_seconds is None:
        found = look(settings)
        screen.print_json(found) if is_json else _show(found)
        _tell(settings, found)
        return found.exit_code
    told: tuple[tuple[str, ...], datetime] | None = None
    # What stood still before somebody watched is no news: it gets its time.
    since = datetime.now(UTC)
    try:
        while True:
            found = look(settings, since=since)
            names = tuple(problem.split(":")[0] for problem in found.problems)
            is_new = told is None or told[0] != names or found.looked_at - told[1] >= _REPEAT_AFTER
            if names and is_new:
                _show(found)
                _tell(settings, found)
                told = names, found.looked_at
            elif not names:
                if told is not None:
                    screen.err().print("Changes arrive again.", style="green")
                told = None
            time.sleep(every_seconds)
    except (KeyboardInterrupt, Terminated):
        return ExitCode.OK


def look(settings: Settings, *, since: datetime | None = None) -> Look:
    """One look at database and spool. That one of them cannot be reached is a finding, no error.

    Args:
        since: from when on proofs are asked for; None asks for them at once.
    """
    now = datetime.now(UTC)
    problems: list[str] = []
    proved_at = None
    try:
        proved_at, found = _look_at_database(settings, since)
        problems += found
    except MediaPipelineError as error:
        problems.append(f"The database cannot be asked: {error} {error.hint}".strip())
    depth = None
    try:
        # Where nothing is received there is none.
        if settings.spool.exists():
            spool = spool_of(settings)
            depth = spool.depth()
            spool.require_room()
    except SpoolFull as error:
        problems.append(
            f"The spool is full: {error.reason}. Notifications are answered with 503 and sent again a few times only. "
            "media-pipeline drain takes in what waits; else make room on its disk."
        )
    except SpoolError as error:
        problems.append(f"The spool cannot be used: {error.reason}. {error.hint}")
    if depth is not None and depth.oldest_at is not None:
        age = (now - depth.oldest_at).total_seconds()
        if age > settings.alarm_after_seconds:
            problems.append(
                f"Notifications are not taken in: {depth.file_count:,} change files wait, the oldest since "
                f"{screen.ago(depth.oldest_at)}. Is Dagster's daemon running (media-pipeline up)? "
                "media-pipeline drain takes them in at once."
            )
    return Look(tuple(problems), proved_at, depth, now)


def _look_at_database(settings: Settings, since: datetime | None) -> tuple[datetime | None, list[str]]:
    if settings.database_url is None and not local.has_embedded_database(settings.home):
        raise DatabaseError("There is none yet.", hint="media-pipeline sync makes it.")
    with local.running(settings, with_emulator=False) as live, local.database(live) as engine:
        migrate.require_current(engine)
        if settings.canary:
            canary.settle(engine)
        with read_only(engine) as connection:
            return judge(read_lag(connection), read_syncs(connection), settings, since=since)


def judge(
    lag: Lag, syncs: Syncs, settings: Settings, *, since: datetime | None = None
) -> tuple[datetime | None, list[str]]:
    """When changes were last proved to arrive, and what is wrong with that; before the first sync nothing is."""
    proved_at = lag.last_proved_at if settings.canary else syncs.last_at
    if syncs.first_at is None:
        return proved_at, []
    newest = max(proved_at or syncs.first_at, since or syncs.first_at)
    age = (lag.read_at - newest).total_seconds()
    if age <= settings.alarm_after_seconds:
        return proved_at, []
    what = "the last change that is known to have arrived was made" if settings.canary else "the last sync ended"
    story = f"{what} {screen.ago(proved_at)}" if proved_at else "no change is known to have arrived yet"
    return proved_at, [
        f"Nothing proves that changes arrive: {story}. Is Dagster's daemon running (media-pipeline up)? "
        "media-pipeline status shows the last runs and why they failed."
    ]


def _show(found: Look) -> None:
    console = screen.out() if not found.problems else screen.err()
    for problem in found.problems:
        console.print(problem, style="bold red", markup=False)
    if not found.problems:
        proof = f"last proof {screen.ago(found.proved_at)}" if found.proved_at else "nothing to prove yet"
        files = 0 if found.spool is None else found.spool.file_count
        console.print(f"All is well: {proof}, {screen.plural(files, 'change file')} waiting.", markup=False)


def _tell(settings: Settings, found: Look) -> None:
    """Write the log, and send to the addresses of the setting; one that cannot be reached is logged."""
    if not found.problems:
        return
    log.error("alarm", problems=list(found.problems))
    if settings.alarm_urls:
        _send([url.get_secret_value() for url in settings.alarm_urls], "\n\n".join(found.problems))


def _send(urls: Sequence[str], text: str) -> None:
    # A quarter of a second that only an alarm needs.
    import apprise

    for url in urls:
        sender = apprise.Apprise()
        if not sender.add(url):
            log.error("alarm_address_unusable", scheme=url.partition(":")[0])
        elif not sender.notify(body=text, title=_TITLE, notify_type=apprise.NotifyType.FAILURE):
            log.error("alarm_not_sent", scheme=url.partition(":")[0])
