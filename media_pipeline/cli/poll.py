"""``media-pipeline poll``: notifications fetched from a poll channel.

Belongs here: which channel, how it ends, the report. Not here: polling itself (``polling``).
"""

from __future__ import annotations

import threading

from media_pipeline import polling
from media_pipeline.cli import local, screen
from media_pipeline.cli.failures import Terminated
from media_pipeline.errors import ConfigurationError, ExitCode
from media_pipeline.intake.configured import spool_of, verifier_of
from media_pipeline.settings import Settings


def command(settings: Settings, *, channel: str | None, is_once: bool, is_json: bool) -> ExitCode:
    """Poll until SIGINT or SIGTERM, or with *is_once* until nothing waits.

    Raises:
        ConfigurationError: no channel is named, or a secret is weak or missing.
        RemoteError: with *is_once* any failure, else one that waiting would not mend.
        SpoolError: with *is_once*, what came could not be kept; it comes back.
    """
    channel = channel or settings.poll_channel
    if channel is None:
        raise ConfigurationError(
            "No channel is named.",
            hint="Set MEDIA_PIPELINE_POLL_CHANNEL or use --channel; 'media-pipeline triggers apply' fills it.",
        )
    with local.cloud(settings) as live, local.client(live) as client:
        verifier, spool = verifier_of(live), spool_of(live)
        spool.prepare()
        if is_once:
            found = polling.poll_what_waits(client, spool, verifier, channel=channel)
            if is_json:
                screen.print_json(found)
            else:
                came = screen.plural(found.received_count, "notification")
                screen.out().print(f"{came} polled, {found.kept_count:,} kept, {found.set_aside_count:,} set aside.")
            return ExitCode.OK
        tell = screen.teller(is_json=is_json)
        # Less than the read timeout, which would end the wait for the first message as a failure.
        wait_seconds = max(0, min(polling.WAIT_SECONDS, int(live.read_timeout_seconds) - 5))
        try:
            tell(f"Polling the channel {channel} of {client.cloud_name} into {live.spool}. Ctrl-C ends it.")
            polling.poll(client, spool, verifier, channel=channel, wait_seconds=wait_seconds, stop=threading.Event())
        except (KeyboardInterrupt, Terminated):
            # What was claimed and not acknowledged comes back to the next poller.
            tell("Stopped.")
    return ExitCode.OK
