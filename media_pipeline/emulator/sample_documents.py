"""Documents of the sample library that are text inside: vector drawings, tables, records, archives.

Belongs here: SVG (an image to Cloudinary) and the raw formats.
Not here: pixels (sample_prints), PDF (pages of pixels; sample_catalogue puts them together).

Vector drawings carry their letters as text, so they alone show titles in scripts beyond ASCII.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from media_pipeline.emulator.sample_drawing import Color, Palette, Size

_ZIPPED_AT = (2024, 6, 25, 8, 58, 22)

_TOWN_DATA: dict[str, tuple[tuple[str, ...], tuple[tuple[str, float, float], ...]]] = {
    "counts": (
        ("place", "riders_per_day", "change_percent"),
        (("Saltmarket", 4100, 2.5), ("Gull Bridge", 2980, -1.0), ("Fernhill", 1715, 6.25)),
    ),
    "tides": (
        ("pier", "high_water_m", "low_water_m"),
        (("Lantern Quay", 3.4, 0.7), ("Ropewalk", 3.1, 0.9), ("Tern Rock", 3.9, 0.4)),
    ),
    "trees": (
        ("street", "trees", "planted_this_year"),
        (("Copper Lane", 82, 4), ("Mill Weir", 131, 12), ("Northgate", 57, 9)),
    ),
}


def _hex(color: Color) -> str:
    return f"#{color[0]:02x}{color[1]:02x}{color[2]:02x}"


def _svg_text(x: float, y: float, letter: float, color: Color, words: str) -> str:
    style = 'text-anchor="middle" font-family="sans-serif" font-weight="700"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style} font-size="{letter:.1f}" fill="{_hex(color)}">{escape(words)}</text>'


def _svg_disc(x: float, y: float, reach: float, color: Color) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{reach:.1f}" fill="{_hex(color)}"/>'


def vector_poster(rng: random.Random, size: Size, palette: Palette, title: str, line: str) -> bytes:
    """A poster of circles and waves with a title in any script."""
    width, height = size
    stops = "".join(
        f'<stop offset="{place / (len(palette.sky) - 1):.2f}" stop-color="{_hex(color)}"/>'
        for place, color in enumerate(palette.sky)
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>{escape(title)}</title>",
        f'<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">{stops}</linearGradient></defs>',
        f'<rect width="{width}" height="{height}" fill="url(#sky)"/>',
        _svg_disc(width * rng.uniform(0.3, 0.7), height * 0.4, min(size) * 0.2, palette.light),
    ]
    for depth, color in enumerate(palette.layers):
        y, swing = height * (0.5 + depth * 0.13), height * rng.uniform(0.03, 0.08)
        near, middle, far = (f"{width * share:.1f}" for share in (0.3, 0.5, 0.8))
        upper, base, lower = (f"{y + step:.1f}" for step in (-swing, 0, swing))
        curve = f"M0 {base} C{near} {upper} {near} {lower} {middle} {base} S{far} {upper} {width} {base}"
        parts.append(f'<path d="{curve} V{height} H0 Z" fill="{_hex(color)}"/>')
    parts += [
        _svg_text(width / 2, height * 0.2, min(width * 1.5 / max(6, len(title)), height * 0.16), palette.paper, title),
        _svg_text(width / 2, height * 0.94, min(size) * 0.045, palette.paper, line),
        "</svg>",
    ]
    return "\n".join(parts).encode()


def vector_emblem(rng: random.Random, side: int, palette: Palette, label: str) -> bytes:
    """A round sign for a department: a star of petals around a name."""
    petals, half = rng.choice((6, 8, 12)), side / 2
    colors = rng.sample(palette.accents, 3)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 {side} {side}">',
        f"<title>{escape(label)}</title>",
        _svg_disc(half, half, half * 0.98, palette.layers[3]),
    ]
    shape = f'cx="{half}" cy="{half * 0.52:.1f}" rx="{half * math.pi / petals * 0.5:.1f}" ry="{half * 0.34:.1f}"'
    for petal in range(petals):
        turn = f'transform="rotate({360 * petal / petals:.1f} {half} {half})"'
        parts.append(f'<ellipse {shape} fill="{_hex(colors[petal % 2])}" {turn}/>')
    parts += [
        _svg_disc(half, half, half * 0.42, palette.paper),
        _svg_text(half, half * 1.05, half * 1.1 / max(4, len(label)), palette.ink, label),
        "</svg>",
    ]
    return "\n".join(parts).encode()


def table(rng: random.Random, kind: str, rows: int = 60) -> bytes:
    """A CSV file with a byte order mark, as the office's spreadsheet writes it."""
    heads, places = _TOWN_DATA[kind]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(("date", *heads))
    for day in range(rows):
        place, first, second = places[day % len(places)]
        writer.writerow(
            (
                f"2024-{day // 28 + 1:02d}-{day % 28 + 1:02d}",
                place,
                round(first * rng.uniform(0.8, 1.2), 2),
                round(second, 2),
            )
        )
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def records(rng: random.Random, items: Sequence[Mapping[str, str]]) -> bytes:
    """A JSON file of an open-data page."""
    body = [
        {**item, "lat": round(rng.uniform(54.1, 54.3), 5), "lon": round(rng.uniform(-3.2, -2.9), 5)} for item in items
    ]
    return json.dumps({"town": "Brackenhaven", "items": body}, ensure_ascii=False, indent=2).encode()


def geometry(rng: random.Random, names: Sequence[str]) -> bytes:
    """A GeoJSON file: one walking path a name."""
    features = []
    for name in names:
        lon, lat, path = rng.uniform(-3.2, -2.9), rng.uniform(54.1, 54.3), []
        for _ in range(12):
            lon, lat = lon + rng.gauss(0, 0.002), lat + rng.gauss(0, 0.002)
            path.append([round(lon, 6), round(lat, 6)])
        features.append(
            {
                "type": "Feature",
                "properties": {"name": name},
                "geometry": {"type": "LineString", "coordinates": path},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def track(rng: random.Random, name: str) -> bytes:
    """A GPX file (XML) of a guided walk."""
    lon, lat, points = -3.05, 54.2, []
    for _ in range(80):
        lon, lat = lon + rng.gauss(0, 0.0006), lat + rng.gauss(0.0002, 0.0005)
        points.append(f'<trkpt lat="{lat:.6f}" lon="{lon:.6f}"/>')
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="Brackenhaven Tourism" '
        f'xmlns="http://www.topografix.com/GPX/1/1"><trk><name>{escape(name)}</name><trkseg>\n'
        + "\n".join(points)
        + "\n</trkseg></trk></gpx>\n"
    ).encode()


def captions(lines: Sequence[str]) -> bytes:
    """Subtitles (WebVTT), two seconds a line."""
    cues = [
        f"00:00:{2 * place:02d}.000 --> 00:00:{2 * place + 2:02d}.000\n{line}\n" for place, line in enumerate(lines)
    ]
    return ("WEBVTT\n\n" + "\n".join(cues)).encode()


def calendar(events: Sequence[tuple[str, str]]) -> bytes:
    """An iCalendar file of (day as YYYYMMDD, title)."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Brackenhaven//Events//EN"]
    for place, (day, title) in enumerate(events):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{place}@brackenhaven.example",
            f"DTSTAMP:{day}T080000Z",
            f"DTSTART;VALUE=DATE:{day}",
            f"SUMMARY:{title}",
            "END:VEVENT",
        ]
    return ("\r\n".join([*lines, "END:VCALENDAR"]) + "\r\n").encode()


def archive(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file whose entries all carry one date, so that its bytes stay the same."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, content in files.items():
            target.writestr(zipfile.ZipInfo(name, _ZIPPED_AT), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def word_document(title: str, paragraphs: Sequence[str]) -> bytes:
    """A DOCX file with the three parts that word processors insist on."""
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    text = "".join(
        f'<w:p><w:r><w:t xml:space="preserve">{escape(line)}</w:t></w:r></w:p>' for line in (title, *paragraphs)
    )
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    office = "http://schemas.openxmlformats.org"
    return archive(
        {
            "[Content_Types].xml": (
                f'{head}<Types xmlns="{office}/package/2006/content-types">'
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>'
            ).encode(),
            "_rels/.rels": (
                f'{head}<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="rId1" '
                f'Type="{office}/officeDocument/2006/relationships/officeDocument" '
                'Target="word/document.xml"/></Relationships>'
            ).encode(),
            "word/document.xml": (
                f'{head}<w:document xmlns:w="{office}/wordprocessingml/2006/main"><w:body>{text}</w:body></w:document>'
            ).encode(),
        }
    )
