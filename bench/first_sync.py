"""How fast a whole library gets into Postgres: Media Pipeline, dlt and the bare floor, side by side in one run.

    python bench/first_sync.py --assets 100000            # tables
    python bench/first_sync.py --assets 100000 --json     # one JSON object, see figures.Figures
    python bench/first_sync.py --markdown                 # the tables as they stand in docs/performance.md

Belongs here: the command line.
Not here: measuring (``stage``, ``contract``, ``side_*``), arithmetic (``figures``).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

# The package need not be installed; child processes find it, and these scripts, by the same path.
_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))

import msgspec  # noqa: E402
from rich.box import MARKDOWN  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from bench import figures, stage  # noqa: E402
from bench.contract import Phase, SideFailed  # noqa: E402
from bench.figures import Figures, Round  # noqa: E402
from media_pipeline import logs  # noqa: E402

_MOST_ASSETS = 1_000_000

_messages = Console(stderr=True)


def main() -> int:
    """Measure and print; everything that was started is stopped, also on Ctrl-C."""
    arguments = _parse()
    logs.configure(level="warning")
    for sign in (signal.SIGINT, signal.SIGTERM):
        # Started in the background by a shell, we would inherit that SIGINT is ignored.
        signal.signal(sign, signal.default_int_handler)
    try:
        found = _measure(arguments.assets, rounds=arguments.repeat)
        _print(found, figures.tables(found), arguments)
    except KeyboardInterrupt:
        _messages.print("Interrupted; everything is stopped.")
        return 130
    except (SideFailed, stage.WrongResult) as error:
        _messages.print(f"No figures: {error}")
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=int, default=100_000, help="size of the library, at most 1,000,000")
    parser.add_argument("--repeat", type=int, default=1, help="rounds; every side counts with its median")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    form.add_argument("--markdown", action="store_true", help="tables for docs/performance.md")
    arguments = parser.parse_args()
    if not 1 <= arguments.assets <= _MOST_ASSETS:
        parser.error(f"--assets is from 1 to {_MOST_ASSETS:,}")
    if arguments.repeat < 1:
        parser.error("--repeat is at least 1")
    return arguments


def _measure(assets: int, *, rounds: int) -> Figures:
    load_average = os.getloadavg()[0]
    found: list[dict[Phase, Round]] = []
    with _messages.status(f"Making up {assets:,} assets …") as status, stage.prepared(assets) as prepared:
        prepared.fetch_pages()
        for number in range(1, rounds + 1):
            status.update(f"Measuring, round {number} of {rounds} …")
            found.append(prepared.measure_all())
        status.update("Stopping …")
    return Figures(
        assets,
        rounds,
        os.cpu_count() or 1,
        round(load_average, 2),
        first=figures.of_phase(assets, [one[Phase.FIRST] for one in found]),
        unchanged=figures.of_phase(assets, [one[Phase.UNCHANGED] for one in found]),
    )


def _print(result: Figures, tables: list[Table], arguments: argparse.Namespace) -> None:
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return
    console = Console(width=200) if arguments.markdown else Console()
    for table in tables:
        if arguments.markdown:
            console.print(table.title)
            table.box, table.title, table.caption = MARKDOWN, None, None
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
