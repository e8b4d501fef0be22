"""``python -m media_pipeline.emulator``: one emulator in the foreground.

Belongs here: reading the command line. Not here: anything the server does.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

import msgspec

from media_pipeline.emulator.errors import StartRefused
from media_pipeline.emulator.server import EmulatorConfig, Endpoints, serve


def main() -> int:
    """Serve until interrupted; prints the endpoints as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m media_pipeline.emulator", description=__doc__)
    parser.add_argument("--state-directory", type=Path, default=Path(".media_pipeline/emulator"))
    parser.add_argument("--cloud-name", default="demo", help="gets the prefix emu- unless it has it")
    parser.add_argument("--port", type=int, default=0, help="0: the last port if free, else any")
    parser.add_argument("--environment", default="", help="name of the environment; production is refused")
    parser.add_argument("--child", action="store_true", help="read the configuration from standard input")
    arguments = parser.parse_args()
    if arguments.child:
        config = msgspec.json.decode(
            sys.stdin.buffer.readline(), type=EmulatorConfig, dec_hook=lambda kind, value: kind(value)
        )
        threading.Thread(target=_end_with_parent, daemon=True).start()
    else:
        config = EmulatorConfig(
            arguments.state_directory, arguments.cloud_name, arguments.port, environment=arguments.environment
        )
    try:
        serve(config, _announce)
    except StartRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    return 0


def _announce(endpoints: Endpoints) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(endpoints) + b"\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    # Not through the buffered stream: a thread that waits in there stops the interpreter from ending.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
