"""What the town's designers make: posters, charts, plans, signs and icons of the sample library.

Belongs here: which of them there are, where they live and how they are described.
Not here: how they are drawn (sample_posters, sample_prints, sample_documents), photographs (sample_series).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from media_pipeline.emulator import sample_documents as documents
from media_pipeline.emulator.sample_asset import SampleAsset
from media_pipeline.emulator.sample_drawing import PALETTES
from media_pipeline.emulator.sample_plan import Draw, Plan, drawn, picture, slug, with_words
from media_pipeline.emulator.sample_posters import badge, shape_poster, sunburst_poster, travel_poster
from media_pipeline.emulator.sample_prints import (
    chart,
    street_map,
)
from media_pipeline.emulator.sample_scenes import (
    flowers,
    hills,
    lanterns,
    lighthouse,
)
from media_pipeline.emulator.sample_streets import fireworks, tram, waterfront
from media_pipeline.emulator.sample_town import PLACES, SEED

_CHARTS = (
    ("Visitors of the museum", ("Jan", "Feb", "Mar", "Apr", "May", "Jun")),
    ("Tram riders by line", ("1", "2", "3", "4", "5", "7")),
    ("Loans of the library", ("Novels", "Comics", "Music", "Maps", "Games")),
    ("Trees planted", ("2019", "2020", "2021", "2022", "2023", "2024")),
    ("Where the budget goes", ("Schools", "Trams", "Parks", "Baths", "Culture", "Other")),
    ("Nights booked", ("Spring", "Summer", "Autumn", "Winter")),
    ("Ships in the harbour", ("Q1", "Q2", "Q3", "Q4")),
    ("Litres of rain", ("Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct")),
    ("Languages spoken at school", ("One", "Two", "Three", "More")),
)

_PLANS = (
    "Tram Line 4 · northern end",
    "Walk of the seven bridges",
    "Cycle routes",
    "Festival ground",
    "Bus diversions in June",
    "Public taps",
    "Trees of special note",
    "Where to swim",
)

_POSTERS = (
    ("Lantern Festival", "Saturday 14 June · Lantern Quay"),
    ("Harbour Days and Old Sails", "4 to 6 July · all piers"),
    ("Winter Market", "from 28 November · Saltmarket"),
    ("Reading Night at the Library", "Friday · doors open at 19"),
    ("A Summer of Trams", "Line 4 turns one hundred"),
    ("Plant a Tree", "Free saplings · Mill Weir"),
    ("Choir under the Stars", "Observatory Hill · bring a blanket"),
    ("Swim to Tern Rock", "Open water race · 12 August"),
    ("Vote on Sunday", "Polling stations 8 to 18"),
    ("Museum of Small Things", "New rooms from 1 March"),
    ("Bread Week", "Eleven bakeries · one loaf"),
    ("Clean Quay Day", "Gloves and soup provided"),
    ("Jazz in the Baths", "Copper Lane Baths · 20:30"),
    ("The Long Table", "One street · one dinner"),
    ("Repair Cafe", "Every first Tuesday"),
    ("Night of the Foghorns", "Best heard from Gull Bridge"),
    ("Town Archive Open Day", "See the map of 1702"),
    ("Kite Morning", "Fernhill · wind permitting"),
)


def posters() -> Iterator[Plan]:
    """Posters in three styles; some exist as JPEG and as PNG under one display name."""
    looks = list(PALETTES)
    motifs = (
        waterfront,
        lanterns,
        hills,
        lighthouse,
        tram,
        fireworks,
        flowers,
    )
    for place, (title, line) in enumerate(_POSTERS):
        palette, size = (
            looks[place * 4 % len(looks)],
            ((720, 1020), (800, 1200), (900, 900), (640, 960))[place % 4],
        )
        draw = (
            drawn(travel_poster, size, palette, motifs[place // 3 % len(motifs)], title, line),
            drawn(sunburst_poster, size, palette, title, line),
            drawn(shape_poster, size, palette, title, line),
        )[place % 3]
        year = 2023 + place % 3
        for file_format in ("jpg", "png") if place % 6 == 2 else ("webp",) if place % 5 == 4 else ("jpg",):
            plan = picture(
                f"posters/{slug(title)}{'-print' if file_format == 'png' else ''}",
                file_format,
                draw,
                folder=f"Tourism/Posters/{year}",
                display_name=title,
            )
            yield with_words(plan, f"Poster: {title}", ("poster", "print", slug(title)), year)


def figures() -> Iterator[Plan]:
    """Charts for the yearbook and plans of the town."""
    looks = ("winter", "noon", "spring", "autumn", "lagoon", "dawn")
    for place, (title, names) in enumerate(_CHARTS):
        kind = ("bars", "line", "ring")[place % 3]
        plan = picture(
            f"statistics/{slug(title)}",
            "png",
            drawn(
                chart,
                ((900, 600), (1000, 560), (720, 720))[place % 3],
                looks[place % len(looks)],
                title,
                names,
                kind,
            ),
            folder="Statistics/Yearbook 2024/Charts",
            display_name=title,
        )
        yield with_words(plan, f"Chart: {title}", ("statistics", "chart", kind), 2024)
    for place, title in enumerate(_PLANS):
        stops = random.Random(f"{SEED}/{title}").sample(PLACES, 4)
        plan = picture(
            f"maps/{slug(title)}",
            ("png", "webp")[place % 2],
            drawn(
                street_map,
                ((1000, 700), (800, 800), (1200, 640))[place % 3],
                looks[(place + 3) % len(looks)],
                title,
                stops,
            ),
            folder="Public Works/Maps" if place % 2 else "Transport/Tram/Line 4 extension/Drawings",
            display_name=title,
        )
        yield with_words(plan, f"Map: {title}", ("map", "public works"), 2022 + place % 3)


def emblems() -> Iterator[Plan]:
    """Signs of the departments: SVG with lettering in any script, PNG with transparency, icons."""
    labels = ("Parks", "Harbour", "Musée", "Θάλασσα", "港", "Бібліотека", "حديقة", "Bäder", "Tram 4")
    looks = list(PALETTES)
    for place, label in enumerate(labels):
        draw: Draw = partial(
            documents.vector_emblem, side=400 + 40 * place, palette=PALETTES[looks[place]], label=label
        )
        asset = SampleAsset(
            f"{label}.svg",
            b"",
            "image",
            "upload",
            f"logos/departments/{label}",
            "Corporate Design/Logos",
            label,
        )
        yield with_words(Plan(asset, draw, f"{SEED}/{label}"), f"Sign: {label}", ("logo", "vector"), 2023)
    titles = (
        "Fête du port",
        "港のひかり",
        "Ημέρα της θάλασσας",
        "Ніч ліхтарів",
        "ليلة الفوانيس",
        "Straßenfest Größe XXL",
    )
    for place, title in enumerate(titles):
        draw = partial(
            documents.vector_poster,
            size=((600, 800), (800, 600))[place % 2],
            palette=PALETTES[looks[-1 - place]],
            title=title,
            line="Brackenhaven",
        )
        asset = SampleAsset(
            f"{title}.svg", b"", "image", "upload", f"posters/vector/{title}", "Tourism/Posters/Vector", title
        )
        yield with_words(Plan(asset, draw, f"{SEED}/{title}"), title, ("poster", "vector", "café"), 2024)
    for name, palette in (
        ("brackenhaven-emblem", "lagoon"),
        ("brackenhaven-emblem-dark", "night"),
        ("brackenhaven-emblem-autumn", "autumn"),
    ):
        plan = picture(
            f"logos/{name}",
            "png",
            drawn(badge, (512, 512), palette, "BH"),
            folder="Corporate Design/Logos",
            display_name="Emblem",
        )
        yield with_words(plan, "Emblem of Brackenhaven", ("logo", "transparent"), 2023)
    for name, initials in (("favicon", "B"), ("tourism-favicon", "T")):
        plan = picture(
            f"logos/icons/{name}",
            "ico",
            drawn(badge, (64, 64), "lagoon", initials),
            folder="Corporate Design/Icons",
        )
        yield with_words(plan, f"Icon {initials}", ("logo", "icon"), 2023)


def designs() -> Iterator[Plan]:
    """Every design."""
    for one in (posters, figures, emblems):
        yield from one()
