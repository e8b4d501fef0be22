"""Films, sounds, documents and the less common picture formats of the sample library.

Belongs here: which of them there are, where they live and how they are described.
Not here: how they are encoded (sample_films, sample_documents, sample_drawing).
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Literal

from PIL import Image

from media_pipeline.emulator import sample_documents as documents
from media_pipeline.emulator import sample_films as films
from media_pipeline.emulator.sample_asset import DeliveryType, SampleAsset
from media_pipeline.emulator.sample_drawing import PALETTES, Size, encode
from media_pipeline.emulator.sample_plan import Draw, Plan, picture, slug, with_words
from media_pipeline.emulator.sample_posters import sunburst_poster
from media_pipeline.emulator.sample_prints import ChartKind, chart, scanned_letter
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
from media_pipeline.emulator.sample_town import PEOPLE, PLACES, SEED, TWIN_TOWNS

_WIDE, _TALL, _SQUARE = (512, 288), (288, 512), (320, 320)

_FILMS: tuple[tuple[str, Scene, films.Move, str, Size, str, bool], ...] = (
    ("Lantern Quay in one breath", waterfront, "pan", "dawn", _WIDE, "mp4", True),
    ("Up to Observatory Hill", skyline, "rise", "dusk", _WIDE, "mp4", True),
    ("Tern Rock in three seconds", lighthouse, "zoom", "lagoon", _WIDE, "mp4", False),
    ("Line 4 passes", tram, "pan", "noon", _WIDE, "webm", True),
    ("Lanterns rise", lanterns, "rise", "night", _TALL, "mp4", True),
    ("Finale, upright", fireworks, "rise", "night", _TALL, "mp4", False),
    ("Fernhill wakes", hills, "pan", "spring", _WIDE, "webm", False),
    ("Glasshouse, close", flowers, "zoom", "spring", _SQUARE, "mp4", False),
    ("Saltmarket from above", market, "pan", "autumn", _SQUARE, "webm", False),
    ("Survey flight", fields, "pan", "spring", _WIDE, "mp4", False),
    ("Snow on the ridge", snowfall, "pan", "winter", _WIDE, "mp4", True),
    ("Teaser, winter market", tram, "zoom", "winter", _TALL, "webm", True),
)

_BELLS, _SEA = "bells", "sea"

_SOUNDS: tuple[tuple[str, str | tuple[int, ...], float, str, Literal[1, 2]], ...] = (
    ("Town hall strikes four", _BELLS, 4.0, "wav", 1),
    ("Town hall strikes seven", _BELLS, 5.5, "mp3", 1),
    ("Waves at Lantern Quay", _SEA, 5.0, "ogg", 2),
    ("Waves at Tern Rock", _SEA, 4.0, "mp3", 1),
    ("Tram chime", (12, 7, 4, 0), 2.0, "mp3", 2),
    ("Anthem, first line", (0, 2, 4, 7, 4, 9, 7, 4, 2, 0), 4.5, "mp3", 2),
    ("Anthem on the organ", (-12, -10, -8, -5, -8, -3, -5, -12), 4.0, "ogg", 1),
    ("Audio guide jingle", (0, 4, 7, 12, 16), 2.5, "m4a", 2),
    ("Foghorn of Gull Bridge", (-24, -24, -23, -24), 3.0, "wav", 1),
    ("港まつりの笛", (0, 3, 5, 7, 10, 12, 10, 7), 3.5, "flac", 1),
)

_LETTER = (
    "We beg to inform you that the lamps of the quay",
    "were lit on time and came to no harm in spite of",
    "the weather of the ninth. The keeper asks for rope,",
    "two barrels of oil and a new pane for the east side.",
    "The ferry will not call on Sunday.",
)

_EVENTS = (
    ("20240614", "Lantern Festival"),
    ("20240704", "Harbour Days"),
    ("20240812", "Swim to Tern Rock"),
    ("20241128", "Winter Market"),
)


def _film(
    rng: random.Random,
    title: str,
    scene: Scene,
    move: films.Move,
    palette: str,
    size: Size,
    file_format: str,
    *,
    has_sound: bool,
) -> bytes:
    frame_count = rng.choice((24, 30, 36))
    samples = (
        films.sound(films.melody([rng.choice((0, 2, 4, 7, 9, 12)) for _ in range(7)]), frame_count / 12)
        if has_sound
        else None
    )
    # The lettering is ASCII; the films' titles are as well.
    frames = films.camera(rng, size, PALETTES[palette], scene, move, frame_count=frame_count, title=title)
    return films.encode_film(frames, file_format, frames_per_second=12, samples=samples)


def moving_pictures() -> Iterator[Plan]:
    """Twelve films of two or three seconds, wide, tall and square, half of them with sound."""
    for place, (title, scene, move, palette, size, file_format, has_sound) in enumerate(_FILMS):
        draw = partial(
            _film,
            title=title,
            scene=scene,
            move=move,
            palette=palette,
            size=size,
            file_format=file_format,
            has_sound=has_sound,
        )
        delivery: DeliveryType = "authenticated" if place == 11 else "private" if place == 9 else "upload"
        asset = SampleAsset(
            f"{title}.{file_format}",
            b"",
            "video",
            delivery,
            f"films/{slug(title)}",
            "Tourism/Films/Short" if place % 2 else "Tourism/Films",
            title,
        )
        tags = ("film", "sound" if has_sound else "silent", "upright" if size == _TALL else "wide")
        yield with_words(Plan(asset, draw, f"{SEED}/{title}"), title, tags, 2024)


def _sound(
    rng: random.Random, tune: str | tuple[int, ...], seconds: float, file_format: str, channels: Literal[1, 2]
) -> bytes:
    samples: array[int]
    if tune == _BELLS:
        samples = films.sound(films.bells(rng, round(seconds / 0.8)), seconds)
    elif tune == _SEA:
        samples = films.sea(rng, seconds)
    else:
        samples = films.sound(
            films.melody([step for step in tune if isinstance(step, int)], beat_seconds=seconds / (len(tune) + 2)),
            seconds,
        )
    return films.encode_sound(samples, file_format, channels=channels)


def sounds() -> Iterator[Plan]:
    """Ten sounds; Cloudinary files them under video."""
    for title, tune, seconds, file_format, channels in _SOUNDS:
        draw = partial(_sound, tune=tune, seconds=seconds, file_format=file_format, channels=channels)
        asset = SampleAsset(
            f"{title}.{file_format}", b"", "video", "upload", f"sounds/{slug(title)}", "Events/Sounds", title
        )
        yield with_words(Plan(asset, draw, f"{SEED}/{title}"), title, ("audio", file_format), 2023)


def _raw(
    public_id: str, folder: str, draw: Draw, tags: tuple[str, ...], delivery_type: DeliveryType = "upload"
) -> Plan:
    name = public_id.rsplit("/", 1)[-1]
    asset = SampleAsset(name, b"", "raw", delivery_type, public_id, folder, name)
    return with_words(Plan(asset, draw, f"{SEED}/{public_id}"), name, tags, 2024)


def _fixed(content: bytes) -> Draw:
    return lambda _rng: content


def _press_kit(rng: random.Random) -> bytes:
    view = waterfront(rng, (600, 400), PALETTES["dusk"])
    emblem = documents.vector_emblem(rng, 300, PALETTES["lagoon"], "BH")
    return documents.archive(
        {
            "LIESMICH.txt": "Für die Presse: Größe 600 × 400.\n".encode(),
            "quay.jpg": encode("jpg", [view]),
            "emblem.svg": emblem,
        }
    )


def open_data() -> Iterator[Plan]:
    """Raw assets: tables, records, paths, notes, subtitles, archives, letters."""
    people: list[Mapping[str, str]] = [{"name": person.name, "office": person.office} for person in PEOPLE]
    towns: list[Mapping[str, str]] = [
        {"name": town.name, "festival": town.festival, "language": town.language} for town in TWIN_TOWNS
    ]
    places: list[Mapping[str, str]] = [{"name": name} for name in PLACES]
    data, press, twins = (
        "Statistics/Open Data",
        "Mayor's Office/Press/2024/June/Lantern Festival",
        "Twin Towns",
    )
    minutes = "\n".join(f"{number}. {line}" for number, line in enumerate(_LETTER, 1))
    yield _raw("open-data/tram-counts.csv", data, partial(documents.table, kind="counts"), ("open data", "csv"))
    yield _raw("open-data/tides 2024.csv", data, partial(documents.table, kind="tides"), ("open data", "csv"))
    yield _raw("open-data/trees.csv", data, partial(documents.table, kind="trees"), ("open data", "csv"))
    yield _raw(
        "open-data/bäume_größe.csv",
        data,
        partial(documents.table, kind="trees", rows=20),
        ("open data", "Grün"),
    )
    yield _raw("open-data/places.json", data, partial(documents.records, items=places), ("open data", "json"))
    yield _raw("open-data/staff.json", data, partial(documents.records, items=people), ("open data",), "private")
    yield _raw("twin-towns/姉妹都市.json", twins, partial(documents.records, items=towns), ("twin town", "json"))
    yield _raw(
        "maps/walks.geojson",
        "Public Works/Maps",
        partial(documents.geometry, names=PLACES[:4]),
        ("map", "open data"),
    )
    yield _raw(
        "maps/cycle routes.geojson",
        "Public Works/Maps",
        partial(documents.geometry, names=PLACES[4:8]),
        ("map",),
    )
    yield _raw(
        "maps/seven bridges.gpx",
        "Tourism/Walks",
        partial(documents.track, name="Walk of the seven bridges"),
        ("map", "walk"),
    )
    yield _raw(
        "maps/ropewalk.gpx",
        "Tourism/Walks",
        partial(documents.track, name="Ropewalk & harbour"),
        ("map", "walk"),
    )
    yield _raw(
        "press/lantern-festival.txt",
        press,
        _fixed(b"Ten thousand lanterns, one harbour.\n"),
        ("press",),
    )
    yield _raw(
        "press/embargo.txt",
        press,
        _fixed(b"Not before noon on Friday.\n"),
        ("press",),
        "authenticated",
    )
    yield _raw("press/Φανάρια.txt", press, _fixed("Δέκα χιλιάδες φανάρια.\n".encode()), ("press", "lang:el"))
    yield _raw("press/press kit.zip", press, _press_kit, ("press", "zip"))
    yield _raw("press/invitation.docx", press, partial(_letter, title="Invitation"), ("press", "letter"))
    yield _raw(
        "minutes/2024-05 council.docx",
        "Mayor's Office/Minutes",
        partial(_letter, title="Minutes of May"),
        ("minutes",),
    )
    yield _raw(
        "minutes/2024-06 council.md",
        "Mayor's Office/Minutes",
        _fixed(f"# Minutes of June\n\n{minutes}\n".encode()),
        ("minutes",),
    )
    yield _raw(
        "minutes/closed session.txt",
        "Mayor's Office/Minutes",
        _fixed(f"{minutes}\n".encode()),
        ("minutes",),
        "private",
    )
    yield _raw(
        "films/quay.en.vtt",
        "Tourism/Films",
        _fixed(documents.captions(("Lantern Quay,", "in one breath."))),
        ("subtitles",),
    )
    yield _raw(
        "films/quay.uk.vtt",
        "Tourism/Films",
        _fixed(documents.captions(("Набережна ліхтарів,", "на одному подиху."))),
        ("subtitles", "lang:uk"),
    )
    yield _raw("events/2024.ics", "Events", _fixed(documents.calendar(_EVENTS)), ("calendar",))
    yield _raw(
        "events/feed.xml",
        "Events",
        partial(documents.track, name="Procession of lanterns"),
        ("calendar", "xml"),
    )
    yield _raw("legal/LICENSE", "", _fixed(b"Pictures of the town may be used with the credit line.\n"), ())


def _letter(_rng: random.Random, title: str) -> bytes:
    return documents.word_document(title, _LETTER)


def _several(
    public_id: str,
    file_format: str,
    folder: str,
    pages: Callable[[random.Random], list[Image.Image]],
    **settings: object,
) -> Plan:
    def draw(rng: random.Random) -> bytes:
        return encode(file_format, pages(rng), **settings)

    asset = SampleAsset(f"{public_id.rsplit('/', 1)[-1]}.{file_format}", b"", "image", "upload", public_id, folder)
    return Plan(asset, draw, f"{SEED}/{public_id}")


def _frames(
    rng: random.Random,
    scene: Scene,
    palette: str,
    size: Size,
    move: films.Move,
    count: int,
    title: str,
) -> list[Image.Image]:
    return list(films.camera(rng, size, PALETTES[palette], scene, move, frame_count=count, title=title))


def _report(rng: random.Random, title: str, page_count: int) -> list[Image.Image]:
    cover = sunburst_poster(rng, (620, 877), PALETTES["lagoon"], title, "Town of Brackenhaven")
    kinds: tuple[ChartKind, ...] = ("bars", "ring", "line")
    names = ("Spring", "Summer", "Autumn", "Winter")
    charts = [
        chart(rng, (620, 877), PALETTES["noon"], f"{title}, part {page}", names, kinds[page % 3])
        for page in range(1, page_count)
    ]
    return [cover, *charts]


def _scan(rng: random.Random, title: str, pages: int) -> list[Image.Image]:
    return [scanned_letter(rng, (640, 905), title, _LETTER).convert("1") for _ in range(pages)]


def other_formats() -> Iterator[Plan]:
    """Pictures of several frames or pages, and those in formats that cameras do not write."""
    motions: tuple[tuple[str, str, Scene, str, Size, films.Move], ...] = (
        ("animated/lanterns-rise", "gif", lanterns, "night", (240, 320), "rise"),
        ("animated/tram-passes", "gif", tram, "noon", (360, 200), "pan"),
        ("animated/quay", "gif", waterfront, "dusk", (400, 200), "pan"),
        ("animated/fireworks", "webp", fireworks, "night", (400, 300), "zoom"),
    )
    for public_id, file_format, scene, palette, size, move in motions:
        pages = partial(_frames, scene=scene, palette=palette, size=size, move=move, count=8, title="Brackenhaven")
        plan = _several(public_id, file_format, "Events/Animations", pages, duration=140, loop=0)
        yield with_words(plan, public_id.rsplit("/", 1)[-1], ("animated", "social media"), 2024)
    reports = (
        ("Annual report 2023", 4, "jahresbericht"),
        ("Harbour budget", 3, "budget"),
        ("Tram survey", 2, "survey"),
        ("Festival programme", 1, "programme"),
    )
    for title, page_count, word in reports:
        plan = _several(
            f"reports/{title}",
            "pdf",
            "Statistics/Yearbook 2024",
            partial(_report, title=title, page_count=page_count),
            title=title,
        )
        yield with_words(plan, title, ("report", "pdf", word), 2024)
    for title, page_count in (
        ("Letter to the harbour master", 1),
        ("Log of the lighthouse", 3),
        ("Petition of the ropemakers", 2),
    ):
        plan = _several(
            f"archive/{slug(title)}",
            "tiff",
            "Archive/Letters",
            partial(_scan, title=title, pages=page_count),
            compression="group4",
        )
        yield with_words(plan, title, ("archive", "scan", "letter"), 1931)
    for scene, palette, title in (
        (hills, "mist", "Watercolour study"),
        (skyline, "winter", "Kiosk screen"),
        (flowers, "dusk", "Old desktop"),
    ):
        draw = partial(_plain, scene=scene, palette=palette, size=(400, 300), mode="RGB")
        yield with_words(
            picture(f"legacy/{slug(title)}", "bmp", draw, folder="Archive/Legacy formats", display_name=title),
            title,
            ("legacy",),
            2003,
        )
    for title, file_format, mode in (
        ("Offset print", "jpg", "CMYK"),
        ("Newspaper", "png", "L"),
        ("Sixteen colours", "gif", "P"),
        ("Stamp", "png", "1"),
    ):
        draw = partial(_plain, scene=lighthouse, palette="noon", size=(600, 450), mode=mode)
        yield with_words(
            picture(
                f"legacy/{slug(title)}",
                file_format,
                draw,
                folder="Archive/Legacy formats",
                display_name=title,
            ),
            title,
            ("legacy", mode),
            2008,
        )


def _plain(rng: random.Random, scene: Scene, palette: str, size: Size, mode: str) -> Image.Image:
    return scene(rng, size, PALETTES[palette]).convert(mode)


def files() -> Iterator[Plan]:
    """Every film, sound, document and uncommon picture."""
    for one in (moving_pictures, sounds, open_data, other_formats):
        yield from one()
