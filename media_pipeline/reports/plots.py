"""Small plots as SVG: lines over time, bars.

Belongs here: how a plot looks.
Not here: which figures are drawn (the rooms), where a plot is shown (``reports.files``, ``orchestration``).

Drawn with matplotlib's objects alone: its ``pyplot`` keeps figures in the process until somebody closes them.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_WIDTH_INCHES: Final = 7.6
_LINES_INCHES: Final = 2.9
_BAR_INCHES: Final = 0.32
_BARS_AT_MOST: Final = 20
_NAME_AT_MOST: Final = 40
_TITLE_AT_MOST: Final = 80
_INK: Final = "#1f2933"
_FAINT: Final = "#d5dae0"
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Those of Okabe and Ito, which people who see red and green alike can tell apart."""
_STYLES: Final = ("-", "--", "-.", ":")
_SHORT: Final = timedelta(hours=12)
_FEW_POINTS: Final = 40
"""Up to which each value is marked: a line of one point would show nothing."""


def lines(series: Mapping[str, Sequence[tuple[datetime, float]]], *, title: str, unit: str) -> bytes:
    """Draw one line for each name in *series*, its values ordered by time.

    Returns:
        An SVG document. Where there is no value yet, it says so.
    """
    with _drawn(_LINES_INCHES, title) as (axes, svg):
        drawn = {name: values for name, values in series.items() if values}
        drawn_lines: list[Line2D] = []
        for number, values in enumerate(drawn.values()):
            drawn_lines += axes.plot(
                [moment for moment, _ in values],  # type: ignore[arg-type]
                [value for _, value in values],
                color=_COLOURS[number % len(_COLOURS)],
                linestyle=_STYLES[number % len(_STYLES)],
                linewidth=1.8,
                marker="o" if len(values) <= _FEW_POINTS else "",
                markersize=3.5,
            )
        if drawn:
            _time_axes(axes, drawn.values(), unit)
            if len(drawn) > 1:
                names = [_shortened(name) for name in drawn]
                axes.legend(drawn_lines, names, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
        else:
            _say_nothing_yet(axes)
    return svg.getvalue()


def bars(values: Mapping[str, float], *, title: str, unit: str) -> bytes:
    """Draw one bar a name, in the order of *values*; of many, the first twenty and how many more there are.

    Returns:
        An SVG document. Where there is no value, it says so.
    """
    shown = dict(list(values.items())[:_BARS_AT_MOST])
    with _drawn(0.95 + _BAR_INCHES * max(len(shown), 2), title) as (axes, svg):
        if shown:
            places = range(len(shown))
            drawn = axes.barh(places, list(shown.values()), color=_COLOURS[0], height=0.66)
            axes.set_yticks(places, [_shortened(name) for name in shown])
            axes.invert_yaxis()
            axes.bar_label(drawn, [_told(value) for value in shown.values()], padding=4, color=_INK)
            axes.margins(x=0.12)
            more = len(values) - len(shown)
            axes.set_xlabel(f"{unit}, {more:,} more not shown" if more else unit)
            _plain_numbers(axes, "x", shown.values())
            axes.grid(axis="x", color=_FAINT, linewidth=0.8)
            axes.tick_params(axis="y", length=0)
        else:
            _say_nothing_yet(axes)
    return svg.getvalue()


def svg_data_uri(svg: bytes) -> str:
    """The address of an ``<img>`` that carries *svg* itself; a picture of this kind runs no script."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


@contextmanager
def _drawn(height_inches: float, title: str) -> Iterator[tuple[Axes, io.BytesIO]]:
    """Axes to draw on, and the document that they are written to at the end."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    svg = io.BytesIO()
    manner = mpl.rc_context(
        {
            # Text stays text: the reader's fonts know more scripts than ours, and a dollar sign begins no formula.
            "svg.fonttype": "none",
            "text.parse_math": False,
            # The same figures give the same bytes.
            "svg.hashsalt": "media-pipeline",
            "font.family": "sans-serif",
            "font.size": 10,
        }
    )
    with manner:
        figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained", facecolor="white")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.set_title(_shortened(title, _TITLE_AT_MOST), loc="left", fontsize=11, fontweight="bold", color=_INK)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(_FAINT)
        axes.tick_params(colors=_INK, labelsize=9)
        axes.set_axisbelow(True)
        yield axes, svg
        with _unknown_glyphs_are_no_matter():
            figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))


@contextmanager
def _unknown_glyphs_are_no_matter() -> Iterator[None]:
    """Our font only measures; whoever looks at the plot has their own."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        yield


def _time_axes(axes: Axes, drawn: Collection[Sequence[tuple[datetime, float]]], unit: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axes.set_ylabel(unit)
    axes.set_xlabel("UTC")
    axes.grid(axis="y", color=_FAINT, linewidth=0.8)
    moments = [moment for values in drawn for moment, _ in values]
    if max(moments) - min(moments) < _SHORT:
        # The first hours would look like years, or like a point in the middle of nowhere.
        axes.set_xlim(min(moments) - _SHORT / 2, max(moments) + _SHORT / 2)  # type: ignore[arg-type]
    numbers = [value for values in drawn for _, value in values]
    _plain_numbers(axes, "y", numbers)
    if min(numbers) >= 0:
        # A change is as large as it looks.
        axes.set_ylim(bottom=0, top=max(numbers) * 1.1 or 1)


def _plain_numbers(axes: Axes, which: str, numbers: Iterable[float]) -> None:
    """Few ticks, written such as 1.5 M, and none between two whole numbers where all are whole."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axis = axes.yaxis if which == "y" else axes.xaxis
    are_whole = all(float(one).is_integer() for one in numbers)
    axis.set_major_locator(MaxNLocator(nbins=5, integer=are_whole))
    axis.set_major_formatter(EngFormatter(sep=" "))


def _say_nothing_yet(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "No figures yet", ha="center", va="center", transform=axes.transAxes, color=_INK)


def _told(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _shortened(text: str, at_most: int = _NAME_AT_MOST) -> str:
    return text if len(text) <= at_most else text[: at_most - 1] + "…"
