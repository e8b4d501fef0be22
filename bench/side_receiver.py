"""The server of ``webhooks``: the receiver as it is, and beside it a route that does nothing.

Belongs here: the process that is measured. Not here: its load (``load``), figures (``webhooks``).
"""

from __future__ import annotations

import sys
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media_pipeline import logs
from media_pipeline import settings as settings_module
from media_pipeline.intake.server import Receiver

EMPTY_PATH = "/empty"


async def _empty(_: Request) -> Response:
    return Response(b"kept", media_type="text/plain")


def main(home: Path, secret: str) -> None:
    """Serve until SIGTERM; the port goes to standard output once connections are accepted."""
    logs.configure(level="error")
    settings = settings_module.load(
        home=home, webhook_secrets=secret, receiver_port=0, receiver_host="127.0.0.1", spool_file_limit=10_000_000
    )
    receiver = Receiver(settings, more_routes=[Route(EMPTY_PATH, _empty, methods=["POST"])])

    def announce() -> None:
        sys.stdout.write(f"{receiver.port}\n")
        sys.stdout.flush()

    receiver.run(announce)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
