"""The photographs of the sample library: views, people, museum, archive, festival nights, twin towns.

Belongs here: which of them there are, where they live and how they are described.
Not here: posters, figures and signs (sample_designs), films, sounds and documents (sample_files), ids and
words that are odd on purpose (sample_oddities).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PIL import Image

from media_pipeline.emulator.sample_asset import DeliveryType
from media_pipeline.emulator.sample_plan import Plan, drawn, picture, slug, with_words
from media_pipeline.emulator.sample_posters import mosaic
from media_pipeline.emulator.sample_prints import (
    archive_slide,
    composition,
    plate,
    portrait,
)
from media_pipeline.emulator.sample_scenes import (
    Scene,
    fields,
    flowers,
    hills,
    lanterns,
    lighthouse,
    market,
    snowfall,
)
from media_pipeline.emulator.sample_streets import fireworks, skyline, tram, waterfront
from media_pipeline.emulator.sample_town import PEOPLE, TWIN_TOWNS

_SHAPES = (
    (1200, 800),
    (1280, 720),
    (900, 900),
    (720, 1080),
    (1600, 640),
    (640, 480),
    (960, 720),
    (1080, 810),
    (1440, 810),
    (480, 640),
)

_VIEWS: tuple[tuple[Scene, str, str], ...] = (
    (waterfront, "Lantern Quay at dawn", "dawn"),
    (waterfront, "Lantern Quay after the rain", "mist"),
    (waterfront, "Old Ropewalk in the evening", "dusk"),
    (waterfront, "Harbour basin at noon", "noon"),
    (waterfront, "Boats before the regatta", "lagoon"),
    (waterfront, "The quay in November", "autumn"),
    (waterfront, "Night ferry coming in", "night"),
    (skyline, "Roofs from Observatory Hill", "dusk"),
    (skyline, "Saltmarket roofs in winter", "winter"),
    (skyline, "Copper Lane awake", "dawn"),
    (skyline, "The old town sleeps", "night"),
    (skyline, "Northgate in the haze", "mist"),
    (hills, "Fernhill in May", "spring"),
    (hills, "Fernhill in October", "autumn"),
    (hills, "Morning over Mill Weir", "dawn"),
    (hills, "Blue hour at the reservoir", "night"),
    (hills, "The far ridge", "noon"),
    (lighthouse, "Tern Rock light", "noon"),
    (lighthouse, "Tern Rock after sunset", "dusk"),
    (lighthouse, "Storm warning", "mist"),
    (lighthouse, "Tern Rock from the sea", "lagoon"),
    (tram, "Line 4 at the Saltmarket", "noon"),
    (tram, "Last tram home", "night"),
    (tram, "Line 4 in the golden hour", "autumn"),
    (tram, "Market day tram", "dawn"),
    (flowers, "The Glasshouse in bloom", "spring"),
    (flowers, "Asters by the bandstand", "lagoon"),
    (flowers, "Dahlia competition", "dawn"),
    (flowers, "Meadow in Fernhill", "noon"),
    (market, "Fruit in the Saltmarket", "noon"),
    (market, "Crates on Saturday", "autumn"),
    (snowfall, "First snow", "winter"),
    (snowfall, "Snow at nightfall", "dusk"),
    (fields, "Allotments from the air", "spring"),
    (fields, "The river after harvest", "autumn"),
)


_MUSEUM: tuple[tuple[Callable[..., Image.Image], str], ...] = (
    (composition, "Composition with beams"),
    (composition, "Harbour, abstract"),
    (composition, "Three moons"),
    (composition, "Untitled"),
    (composition, "Untitled"),
    (composition, "Departure"),
    (plate, "Festival plate"),
    (plate, "Plate with twelve berries"),
    (plate, "Guild plate of the ropemakers"),
    (plate, "Wedding plate"),
    (plate, "Plate, repaired"),
    (mosaic, "Floor of the old baths"),
    (mosaic, "Tile pattern, north wall"),
    (mosaic, "Tile pattern, south wall"),
    (mosaic, "Sample board of a tile maker"),
)

_SLIDES = (
    (waterfront, "Regatta", 1964),
    (waterfront, "Fishing fleet", 1961),
    (skyline, "View from the gasworks", 1966),
    (skyline, "Chimneys", 1962),
    (lighthouse, "New lamp on Tern Rock", 1968),
    (tram, "Tram 7, last day", 1969),
    (tram, "Tram 2", 1963),
    (hills, "Sunday walk", 1965),
    (hills, "Survey of the ridge", 1967),
    (fields, "Flood meadows", 1960),
    (market, "Apple harvest", 1964),
    (snowfall, "The hard winter", 1963),
)

_NIGHTS: tuple[tuple[Scene, str], ...] = (
    (lanterns, "First lanterns"),
    (lanterns, "A thousand lights"),
    (lanterns, "Over the roofs"),
    (lanterns, "Wishes"),
    (fireworks, "Finale"),
    (fireworks, "Finale"),
    (fireworks, "Red and gold"),
    (fireworks, "From the ferry"),
    (fireworks, "Midnight"),
)


def views() -> Iterator[Plan]:
    """Thirty-five views of the town, by season."""
    for place, (scene, title, palette) in enumerate(_VIEWS):
        motif = scene.__name__
        season = {"winter": "Winter", "spring": "Spring", "autumn": "Autumn"}.get(palette, "Summer")
        plan = picture(
            f"views/{slug(title)}",
            ("jpg", "jpg", "webp", "jpg")[place % 4],
            drawn(scene, _SHAPES[place * 7 % len(_SHAPES)], palette),
            folder=f"Tourism/Views/{season}",
            display_name=title,
        )
        yield with_words(plan, title, ("Brackenhaven", "view", motif, season.lower()), 2019 + place % 6)


def people() -> Iterator[Plan]:
    """Portraits of the staff, named in their own scripts; unreleased ones are private or authenticated."""
    looks = ("noon", "dawn", "lagoon", "mist", "spring", "autumn", "winter", "dusk")
    for place, person in enumerate(PEOPLE):
        delivery: DeliveryType = "private" if place % 7 == 5 else "authenticated" if place % 7 == 6 else "upload"
        plan = picture(
            f"people/{slug(person.name)}" if place % 2 else f"people/{person.name}",
            "webp" if place % 5 == 3 else "jpg",
            drawn(
                portrait,
                ((600, 600), (600, 800), (480, 480))[place % 3],
                looks[place % len(looks)],
                person,
            ),
            folder="Mayor's Office/Portraits"
            if place < 4
            else f"Mayor's Office/Portraits/{'Abteilungen' if place % 2 else 'Departments'}",
            display_name=person.name,
            delivery_type=delivery,
        )
        yield with_words(plan, f"{person.name}, {person.office}", ("people", "portrait", person.office), 2024)


def museum() -> Iterator[Plan]:
    """Objects of the collection, deep in folders; two share the title Untitled."""
    looks = ("mist", "lagoon", "dusk", "spring", "autumn", "noon", "dawn", "night")
    rooms = {
        "composition": "Paintings/20th century/Bequest of 1988",
        "plate": "Ceramics/Plates",
        "mosaic": "Ceramics/Tiles and floors",
    }
    for place, (draw, title) in enumerate(_MUSEUM):
        kind = draw.__name__
        plan = picture(
            f"museum/{kind}.{place + 101}",
            ("png", "jpg", "webp")[place % 3],
            drawn(draw, ((640, 800), (800, 640), (700, 700), (1000, 620))[place % 4], looks[place % len(looks)]),
            folder=f"Museum/Collection/{rooms[kind]}",
            display_name=title,
        )
        yield with_words(plan, title, ("museum", kind, "collection"), 2020 + place % 5)


def slides() -> Iterator[Plan]:
    """Faded slides of the archive, five folders deep, with the names a scanner gives."""
    for place, (scene, title, year) in enumerate(_SLIDES):
        plan = picture(
            f"slides/box-07-{place + 1:02d}",
            "tiff" if place % 6 == 5 else "jpg",
            drawn(
                archive_slide,
                ((760, 560), (560, 560), (600, 760))[place % 3],
                "noon",
                scene,
                f"{title} · {year}",
            ),
            folder=f"Archive/1960s/Slides/Box 07/Envelope {place // 4 + 1}",
            display_name="Scan" if place % 3 else f"{title} {year}",
        )
        yield with_words(plan, f"{title}, {year}", ("archive", "slide", "1960s"), year)


def festival_nights() -> Iterator[Plan]:
    """The festival, by night, in a folder with an emoji."""
    for place, (scene, title) in enumerate(_NIGHTS):
        plan = picture(
            f"events/lantern-festival/2024/IMG_{4021 + place * 3}",
            ("jpg", "webp")[place % 2],
            drawn(scene, _SHAPES[(place * 3 + 1) % len(_SHAPES)], ("night", "dusk")[place % 3 == 2]),
            folder="Events/Lantern Night 🏮/2024",
            display_name=title,
        )
        yield with_words(plan, f"Lantern Festival: {title.lower()}", ("festival", "night", "🎆"), 2024)


def twin_towns() -> Iterator[Plan]:
    """Pictures sent by the partners, with ids, folders, names and tags in their scripts."""
    motifs = (fireworks, waterfront, lanterns, hills, tram, skyline)
    looks = ("night", "lagoon", "dusk", "spring", "noon", "dawn")
    for place, town in enumerate(TWIN_TOWNS):
        for number in (1, 2):
            plan = picture(
                f"{town.name}/{town.festival} {number}",
                ("jpg", "webp")[number - 1],
                drawn(
                    motifs[(place + number - 1) % 6],
                    _SHAPES[(place * 2 + number) % len(_SHAPES)],
                    looks[(place + number - 1) % 6],
                ),
                folder=town.folder,
                display_name=town.festival,
            )
            yield with_words(
                plan, f"{town.festival}, {town.name}", ("twin town", town.name, f"lang:{town.language}"), 2024
            )


def series() -> Iterator[Plan]:
    """Every ordinary photograph."""
    for one in (views, people, museum, slides, festival_nights, twin_towns):
        yield from one()
