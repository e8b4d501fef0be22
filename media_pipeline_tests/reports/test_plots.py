"""Plots: documents that every browser draws, of any names and of no figures at all."""

from __future__ import annotations

import base64
import sys
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from media_pipeline.reports import plots

START = datetime(2026, 11, 1, tzinfo=UTC)


def texts(svg: bytes) -> list[str]:
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_each_line_has_its_name_and_the_axis_its_unit() -> None:
    series = {name: [(START + timedelta(hours=hour), hour * factor) for hour in range(50)] for name, factor in
              (("live", 3.0), ("deleted", 1.5))}  # fmt: skip
    found = texts(plots.lines(series, title="Assets", unit="assets"))

    assert {"Assets", "assets", "live", "deleted", "UTC"} <= set(found)


def test_each_bar_has_its_name_and_its_value() -> None:
    assert {"image", "1,200", "video", "3.50", "MB"} <= set(
        texts(plots.bars({"image": 1200, "video": 3.5}, title="Sizes", unit="MB"))
    )


@pytest.mark.parametrize("name", ["$x^2$", "$broken", "<b>&amp;", "日本語 🏮", "_hidden", "a" * 300, "\\frac{1}{2}"])
def test_a_name_is_a_text_whatever_it_looks_like(name: str) -> None:
    shown = name if len(name) <= 40 else name[:39] + "…"

    assert shown in texts(plots.bars({name: 1}, title=name, unit="u"))
    assert shown in texts(plots.lines({name: [(START, 1.0)], "other": [(START, 1.0)]}, title="t", unit="u"))


def test_without_figures_it_says_so() -> None:
    assert "No figures yet" in texts(plots.bars({}, title="t", unit="u"))
    assert "No figures yet" in texts(plots.lines({"a": []}, title="t", unit="u"))


def test_of_many_bars_the_first_are_drawn_and_the_rest_is_told() -> None:
    found = texts(plots.bars({f"b{number:02}": number for number in range(25)}, title="t", unit="u"))

    assert ("b19" in found, "b20" in found) == (True, False)
    assert "u, 5 more not shown" in found


@pytest.mark.parametrize("values", [[0.0], [5.0], [-3.0, 4.0], [1e12, 2e12], [0.001, 0.002]])
def test_any_range_can_be_drawn(values: list[float]) -> None:
    points = [(START + timedelta(minutes=number), value) for number, value in enumerate(values)]

    assert texts(plots.lines({"a": points}, title="t", unit="u"))
    assert texts(plots.bars({str(value): value for value in values}, title="t", unit="u"))


def test_the_same_figures_give_the_same_bytes_and_no_state_is_left_behind() -> None:
    first, second = (plots.bars({"a": 1}, title="t", unit="u") for _ in range(2))

    assert first == second
    assert "matplotlib.pyplot" not in sys.modules


def test_an_address_carries_the_whole_picture() -> None:
    svg = plots.bars({"a": 1}, title="t", unit="u")
    head, _, body = plots.svg_data_uri(svg).partition(",")

    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(body) == svg
