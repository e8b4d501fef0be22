"""``media-pipeline triggers``: where the cloud sends notifications.

Belongs here: the reports. Not here: what is wanted and what is ours (``triggers``).
"""

from __future__ import annotations

from functools import partial

from media_pipeline import triggers
from media_pipeline.cli import local, screen
from media_pipeline.errors import ExitCode
from media_pipeline.settings import Settings
from media_pipeline.triggers import Change, Comparison, Standing, Step

_MEANING = {
    Standing.WANTED: "ours, as wanted",
    Standing.STALE: "ours, no longer wanted",
    Standing.FOREIGN: "not ours",
}
_WORDS = {Change.CREATE: "create", Change.REPOINT: "repoint", Change.REMOVE: "remove"}


def show(settings: Settings, *, is_json: bool) -> ExitCode:
    """Compare; nothing is changed."""
    with local.cloud(settings) as live, local.client(live) as client:
        found = triggers.look(client, live)
    if is_json:
        screen.print_json(found)
        return ExitCode.OK
    _print(found)
    tell = partial(screen.out().print, markup=False)
    for step in found.steps:
        tell(f"would {_described(step)}")
    tell("'media-pipeline triggers apply' does it." if found.steps else "Nothing is to be done.")
    return ExitCode.OK


def apply(settings: Settings, *, is_json: bool) -> ExitCode:
    """Make the cloud have what is wanted; ends with 1 if it does not have it afterwards."""
    with local.cloud(settings) as live, local.client(live) as client:
        done, after = triggers.apply(client, live)
    if is_json:
        screen.print_json({"done": done, "after": after})
    else:
        tell = partial(screen.out().print, markup=False)
        for step in done:
            tell(_described(step))
        _print(after)
        tell("The cloud still differs from the settings." if after.steps else "The cloud is as the settings want it.")
    return ExitCode.FAILED if after.steps else ExitCode.OK


def _print(found: Comparison) -> None:
    console = screen.out()
    if not found.wanted:
        console.print(
            "No notifications are wanted: neither MEDIA_PIPELINE_NOTIFICATION_URL nor MEDIA_PIPELINE_POLL_CHANNEL is "
            "set. Changes are found by syncs alone."
        )
    if not found.seen:
        console.print("The cloud has no triggers.")
        return
    table = screen.rows("Trigger", "Events", "Sends to", "")
    for one in found.seen:
        screen.add_row(table, one.id, one.event_type, one.uri, _MEANING[one.standing])
    console.print(table)


def _described(step: Step) -> str:
    match step.change:
        case Change.CREATE:
            return f"{_WORDS[step.change]} a trigger of all events to {step.uri}"
        case Change.REPOINT:
            return f"{_WORDS[step.change]} {step.trigger_id} to {step.uri}"
        case Change.REMOVE:
            return f"{_WORDS[step.change]} {step.trigger_id}, which sends to {step.uri}"
