"""From measurements to figures: rates, ratios, memory, and the tables for people.

Belongs here: arithmetic and its presentation.
Not here: measuring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from rich.table import Table

from bench.contract import Measurement

_MEBIBYTE = 1024 * 1024
_LABELS = {"ours": "ours", "dlt": "dlt", "dlt_tuned": "dlt tuned", "floor": "floor"}


class Effects(msgspec.Struct, frozen=True):
    """What one phase of ours did, counted by the emulator and by Postgres."""

    admin_calls: int
    emulator_seconds: float
    media_assets_rows_written: int
    audit_rows_written: int


class Round(msgspec.Struct, frozen=True):
    """One phase of every side, once."""

    ours: Measurement
    effects: Effects
    dlt: Measurement
    dlt_tuned: Measurement
    floor: Measurement


class SideFigures(msgspec.Struct, frozen=True):
    """One side's phase. CPU and memory of the process are without Postgres, whose CPU stands apart."""

    seconds: float
    cpu_seconds: float
    postgres_cpu_seconds: float
    peak_rss_bytes: int


class PhaseFigures(msgspec.Struct, frozen=True):
    """One phase in figures.

    A ratio says how many times as fast as the other side ours is. ``seconds`` are the steps of our side;
    ``emulator_seconds`` of them passed inside the emulator. ``peak_rss_bytes`` is ours.
    """

    ours_per_second: float
    dlt_per_second: float
    dlt_tuned_per_second: float
    floor_per_second: float
    ratio_to_dlt: float
    ratio_to_dlt_tuned: float
    ratio_to_floor: float
    admin_calls: int
    media_assets_rows_written: int
    audit_rows_written: int
    peak_rss_bytes: int
    emulator_seconds: float
    seconds: dict[str, float]
    sides: dict[str, SideFigures]


class Figures(msgspec.Struct, frozen=True):
    """The result of the script; with several rounds every side counts with its median round."""

    assets: int
    rounds: int
    cores: int
    load_average: float
    first: PhaseFigures
    unchanged: PhaseFigures


class MemoryFigures(msgspec.Struct, frozen=True):
    """Peak memory of our side at two sizes; ``ratio`` compares the higher peaks of both phases."""

    assets: int
    peak_rss_bytes: int
    few_assets: int
    few_peak_rss_bytes: int
    ratio: float


def of_phase(assets: int, rounds: Sequence[Round]) -> PhaseFigures:
    """The figures of one phase."""
    typical = _median(rounds, lambda one: one.ours.seconds)
    ours, effects = typical.ours, typical.effects
    dlt = _median(rounds, lambda one: one.dlt.seconds).dlt
    dlt_tuned = _median(rounds, lambda one: one.dlt_tuned.seconds).dlt_tuned
    floor = _median(rounds, lambda one: one.floor.seconds).floor
    return PhaseFigures(
        ours_per_second=round(assets / ours.seconds, 1),
        dlt_per_second=round(assets / dlt.seconds, 1),
        dlt_tuned_per_second=round(assets / dlt_tuned.seconds, 1),
        floor_per_second=round(assets / floor.seconds, 1),
        ratio_to_dlt=round(dlt.seconds / ours.seconds, 3),
        ratio_to_dlt_tuned=round(dlt_tuned.seconds / ours.seconds, 3),
        ratio_to_floor=round(floor.seconds / ours.seconds, 3),
        admin_calls=effects.admin_calls,
        media_assets_rows_written=effects.media_assets_rows_written,
        audit_rows_written=effects.audit_rows_written,
        peak_rss_bytes=ours.peak_rss_bytes,
        emulator_seconds=round(effects.emulator_seconds, 3),
        seconds={step: round(seconds, 3) for step, seconds in ours.steps.items()},
        sides={
            "ours": _side(ours),
            "dlt": _side(dlt),
            "dlt_tuned": _side(dlt_tuned),
            "floor": _side(floor),
        },
    )


def _side(measured: Measurement) -> SideFigures:
    return SideFigures(
        seconds=round(measured.seconds, 3),
        cpu_seconds=round(measured.cpu_seconds, 3),
        postgres_cpu_seconds=round(measured.postgres_cpu_seconds, 3),
        peak_rss_bytes=measured.peak_rss_bytes,
    )


def tables(figures: Figures) -> list[Table]:
    """For people: the sides, what ours did, where its time goes."""
    phases = {"first": figures.first, "unchanged": figures.unchanged}
    return [_sides_table(figures, phases), _effects_table(phases), _steps_table(phases)]


def _sides_table(figures: Figures, phases: dict[str, PhaseFigures]) -> Table:
    table = Table(
        title=f"{figures.assets:,} assets, {figures.cores} cores, load {figures.load_average:.1f} at the start"
        + (f", median of {figures.rounds}" if figures.rounds > 1 else ""),
        caption="Ours fetches over HTTP and keeps pages, mirror and audit. dlt and the floor (COPY and one MERGE) read "
        "the pages from disk.",
    )
    for column in ("sync", "side"):
        table.add_column(column)
    for column in ("assets/s", "ours is ×", "CPU s", "Postgres CPU s", "peak MiB"):
        table.add_column(column, justify="right")
    for name, phase in phases.items():
        rates = {
            "ours": (phase.ours_per_second, None),
            "dlt": (phase.dlt_per_second, phase.ratio_to_dlt),
            "dlt_tuned": (phase.dlt_tuned_per_second, phase.ratio_to_dlt_tuned),
            "floor": (phase.floor_per_second, phase.ratio_to_floor),
        }
        for key, (per_second, ratio) in rates.items():
            side = phase.sides[key]
            table.add_row(
                name,
                _LABELS[key],
                f"{per_second:,.0f}",
                "" if ratio is None else f"{ratio:.2f}",
                f"{side.cpu_seconds:.2f}",
                f"{side.postgres_cpu_seconds:.2f}",
                f"{side.peak_rss_bytes / _MEBIBYTE:,.0f}",
            )
    return table


def _effects_table(phases: dict[str, PhaseFigures]) -> Table:
    table = _phase_table("What our side did", "", phases)
    table.add_row("Admin API calls", *(f"{one.admin_calls:,}" for one in phases.values()))
    table.add_row("rows of media_assets written", *(f"{one.media_assets_rows_written:,}" for one in phases.values()))
    table.add_row("audit entries written", *(f"{one.audit_rows_written:,}" for one in phases.values()))
    return table


def _steps_table(phases: dict[str, PhaseFigures]) -> Table:
    table = _phase_table("Where our time goes, s", "step", phases)
    for step in phases["first"].seconds:
        table.add_row(step, *(f"{one.seconds[step]:.2f}" for one in phases.values()))
    table.add_row("in all", *(f"{one.sides['ours'].seconds:.2f}" for one in phases.values()))
    table.add_row("of it inside the emulator", *(f"{one.emulator_seconds:.2f}" for one in phases.values()))
    return table


def _phase_table(title: str, first_column: str, phases: dict[str, PhaseFigures]) -> Table:
    table = Table(title=title)
    table.add_column(first_column)
    for name in phases:
        table.add_column(f"{name} sync", justify="right")
    return table


def memory_table(memory: MemoryFigures) -> Table:
    """For people: peak memory at two sizes."""
    table = Table(title="Peak memory of our side", caption=f"ratio {memory.ratio:.2f}; flat is at most 1.30")
    table.add_column("assets", justify="right")
    table.add_column("MiB", justify="right")
    for assets, peak in (
        (memory.few_assets, memory.few_peak_rss_bytes),
        (memory.assets, memory.peak_rss_bytes),
    ):
        table.add_row(f"{assets:,}", f"{peak / _MEBIBYTE:,.0f}")
    return table


def _median(rounds: Sequence[Round], seconds: Callable[[Round], float]) -> Round:
    """The round in the middle by *seconds*; of an even number the faster one of the two."""
    return sorted(rounds, key=seconds)[(len(rounds) - 1) // 2]
