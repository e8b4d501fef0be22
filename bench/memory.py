"""How much memory a full sync takes, and whether the size of the library matters.

    python bench/memory.py --assets 1000000         # peak memory at 10,000 and at N assets
    python bench/memory.py --assets 1000000 --json  # one JSON object, see figures.MemoryFigures

Belongs here: the command line.
Not here: measuring (``stage``, ``contract``, ``side_ours``), arithmetic (``figures``), speed (``first_sync``).

Each size has an emulator, a Postgres and two processes of ours of its own: a first sync, and one with nothing changed.
The higher peak of both counts. Postgres is not part of it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

# As in first_sync: the package need not be installed, and child processes find it by the same path.
_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))

import msgspec  # noqa: E402
from rich.console import Console  # noqa: E402

from bench import figures, stage  # noqa: E402
from bench.contract import SideFailed  # noqa: E402
from bench.figures import MemoryFigures  # noqa: E402
from media_pipeline import logs  # noqa: E402

_MOST_ASSETS = 1_000_000
_FEW_ASSETS = 10_000

_messages = Console(stderr=True)


def main() -> int:
    """Measure and print; everything that was started is stopped, also on Ctrl-C."""
    arguments = _parse()
    logs.configure(level="warning")
    for sign in (signal.SIGINT, signal.SIGTERM):
        # Started in the background by a shell, we would inherit that SIGINT is ignored.
        signal.signal(sign, signal.default_int_handler)
    try:
        found = measure(arguments.assets)
    except KeyboardInterrupt:
        _messages.print("Interrupted; everything is stopped.")
        return 130
    except (SideFailed, stage.WrongResult) as error:
        _messages.print(f"No figures: {error}")
        return 1
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        Console().print(figures.memory_table(found))
    return 0


def measure(assets: int) -> MemoryFigures:
    """Peak memory at 10,000 and at *assets* assets."""
    few, many = _peak(_FEW_ASSETS), _peak(assets)
    return MemoryFigures(assets, many, _FEW_ASSETS, few, round(many / few, 3))


def _peak(assets: int) -> int:
    with _messages.status(f"Syncing {assets:,} assets …"), stage.prepared(assets) as prepared:
        return max(measured.peak_rss_bytes for measured, _ in prepared.measure_ours().values())


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=_MOST_ASSETS, help="the larger library, at most 1,000,000")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    if not _FEW_ASSETS < arguments.assets <= _MOST_ASSETS:
        parser.error(f"--assets is from {_FEW_ASSETS + 1:,} to {_MOST_ASSETS:,}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
