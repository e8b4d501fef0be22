"""``media-pipeline receive``: the receiver of webhooks in the foreground.

Belongs here: which secrets and port, saying where it listens.
Not here: the receiver (``intake``), an address under which the cloud reaches it.
"""

from __future__ import annotations

from media_pipeline.cli import local, screen
from media_pipeline.errors import ExitCode
from media_pipeline.intake.receiver import PATH
from media_pipeline.intake.server import Receiver
from media_pipeline.settings import Settings


def command(settings: Settings, *, host: str | None, port: int | None, is_json: bool) -> ExitCode:
    """Receive until SIGINT or SIGTERM.

    Raises:
        ConfigurationError: a secret is weak or missing, or the address cannot be listened on.
        SpoolUnavailable: the spool cannot be made.
    """
    options = {"receiver_host": host, "receiver_port": port}
    wanted = settings.model_copy(update={name: value for name, value in options.items() if value is not None})
    with local.cloud(wanted, is_needed=not wanted.webhook_secrets) as live:
        receiver = Receiver(live)

        def announce() -> None:
            host = f"[{live.receiver_host}]" if ":" in live.receiver_host else live.receiver_host
            url = f"http://{host}:{receiver.port}"
            if is_json:
                screen.print_json({"url": url + PATH, "spool": str(live.spool)})
                return
            console = screen.out()
            console.print(f"Receiving webhooks at {url}{PATH}", markup=False)
            console.print(f"  Spool       {live.spool}", markup=False)
            console.print(f"  SHA-1       {'taken' if live.webhook_sha1 else 'refused; SHA-256 alone is taken'}")
            console.print("Ctrl-C ends it.")

        receiver.run(announce)
    return ExitCode.OK
