"""The sample library: the same on every run, within Cloudinary's limits, readable by real decoders.

Belongs here: promises of media_pipeline.emulator.sample. Not here: uploading it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from xml.etree import ElementTree

import av
import pytest
from PIL import Image, ImageSequence

from media_pipeline.emulator import sample
from media_pipeline.emulator.sample import Address, Plan, SampleAsset

_DIGESTS = """
import hashlib
from media_pipeline.emulator import sample
for asset in sample.assets():
    words = repr((asset, asset.metadata, asset.context)).encode("utf-8", "surrogatepass")
    print(hashlib.sha256(words + asset.content).hexdigest())
"""

_PICTURES = frozenset({"jpg", "png", "webp", "gif", "bmp", "tiff", "ico"})
_FILMS = frozenset({"mp4", "webm"})
_SOUNDS = frozenset({"wav", "mp3", "ogg", "m4a", "flac"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@pytest.fixture(scope="module")
def twice() -> tuple[list[SampleAsset], list[str]]:
    """The library, and the digests of the one that another process made meanwhile."""
    environment = {**os.environ, "PYTHONHASHSEED": "4021"}
    command = [sys.executable, "-c", _DIGESTS]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as other:
        here = list(sample.assets())
        output, _ = other.communicate()
    assert other.returncode == 0
    return here, output.split()


@pytest.fixture(scope="module")
def words() -> list[SampleAsset]:
    """The library without its bytes: all that its names and descriptions need."""
    return [plan.asset for plan in sample.plans()]


@pytest.fixture(scope="module")
def library(twice: tuple[list[SampleAsset], list[str]]) -> list[SampleAsset]:
    return twice[0]


def _format(asset: SampleAsset) -> str:
    return asset.file_name.rpartition(".")[2]


def _of(library: Sequence[SampleAsset], formats: frozenset[str]) -> Iterator[SampleAsset]:
    return (asset for asset in library if asset.resource_type != "raw" and _format(asset) in formats)


@pytest.mark.slow
def test_two_processes_make_the_same_library_byte_for_byte(
    twice: tuple[list[SampleAsset], list[str]],
) -> None:
    library, other = twice
    here = []
    for asset in library:
        words = repr((asset, asset.metadata, asset.context)).encode("utf-8", "surrogatepass")
        here.append(hashlib.sha256(words + asset.content).hexdigest())
    assert other == here


def test_a_count_gives_the_first_assets_and_makes_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Address] = []
    make = Plan.make

    def noted(plan: Plan) -> SampleAsset:
        made.append(plan.asset.address)
        return make(plan)

    monkeypatch.setattr(Plan, "make", noted)
    first = list(sample.assets(12))
    assert first[0] == next(sample.assets())
    assert first == list(sample.assets(12))
    assert made == [asset.address for asset in (*first, first[0], *first)]


@pytest.mark.parametrize("count", [-1, 100_000])
def test_a_count_the_library_does_not_have_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="the sample library has"):
        sample.assets(count)


@pytest.mark.slow
def test_the_library_has_every_kind_and_stays_small(library: list[SampleAsset]) -> None:
    resource_types = Counter(asset.resource_type for asset in library)
    delivery_types = Counter(asset.delivery_type for asset in library)
    formats = Counter(_format(asset) for asset in library if asset.resource_type != "raw")
    assert len(library) >= 240
    assert resource_types["image"] >= 200
    assert resource_types["video"] >= 20
    assert resource_types["raw"] >= 20
    assert delivery_types["upload"] > len(library) * 0.8
    assert min(delivery_types["private"], delivery_types["authenticated"]) >= 5
    assert _PICTURES | _FILMS | _SOUNDS | {"svg", "pdf"} == set(formats)
    assert sum(len(asset.content) for asset in library) < 40_000_000
    assert max(len(asset.content) for asset in library) < 10_000_000
    assert min(len(asset.content) for asset in library) > 0


def test_no_two_assets_share_resource_type_delivery_type_and_public_id(words: list[SampleAsset]) -> None:
    assert len(words) == len({asset.address for asset in words})


def test_one_public_id_exists_in_every_resource_type_and_delivery_type(words: list[SampleAsset]) -> None:
    kinds = {asset.address[:2] for asset in words if asset.public_id == "equal/harbour"}
    images = {("image", "upload"), ("image", "private"), ("image", "authenticated")}
    assert images | {("video", "upload"), ("raw", "upload")} == kinds


def test_public_ids_folders_and_display_names_keep_the_limits(words: list[SampleAsset]) -> None:
    for asset in words:
        for path in (asset.public_id, asset.asset_folder):
            assert len(path) <= 255, path
            assert not re.search(r"[?&#\\%<>+]", path), path
            assert not _CONTROL.search(path), path
            assert path == path.strip(" /"), path
            assert "//" not in path, path
            assert not any(re.fullmatch(r"v\d+", part) for part in path.split("/")), path
            assert not {".", ".."} & set(path.split("/")), path
        assert asset.public_id
        if asset.display_name is not None:
            assert 1 <= len(asset.display_name) <= 255
            assert "/" not in asset.display_name
            assert not _CONTROL.search(asset.display_name)


def test_tags_and_context_keep_the_limits(words: list[SampleAsset]) -> None:
    for asset in words:
        assert len(asset.tags) <= 1000
        assert len(asset.tags) == len(set(asset.tags)), asset.public_id
        for tag in asset.tags:
            assert 1 <= len(tag) <= 255
            # A comma separates tags in an upload.
            assert "," not in tag
            assert tag == tag.strip()
        assert len(asset.context) <= 1000
        for text in (*asset.context.keys(), *asset.context.values()):
            assert 1 <= len(text) <= 1024
            assert not _CONTROL.search(text.replace("\n", ""))


def test_the_limits_are_reached_and_not_only_kept(words: list[SampleAsset]) -> None:
    assert {"image", "raw"} <= {asset.resource_type for asset in words if len(asset.public_id) == 255}
    assert max(len(asset.public_id.encode()) for asset in words) > 600
    assert max(len(asset.display_name or "") for asset in words) == 255
    assert max(len(tag) for asset in words for tag in asset.tags) == 255
    assert max(len(value) for asset in words for value in asset.context.values()) == 1024
    assert max(len(asset.tags) for asset in words) >= 120
    assert {0, 50_000} <= {asset.metadata.get("print_run") for asset in words}


def test_ids_are_as_awkward_as_in_real_life(words: list[SampleAsset]) -> None:
    ids = {asset.public_id for asset in words}
    spellings: dict[str, set[str]] = defaultdict(set)
    for public_id in ids:
        spellings[unicodedata.normalize("NFC", public_id)].add(public_id)
    assert [len(forms) for forms in spellings.values() if len(forms) > 1] == [2]
    assert len({public_id.lower() for public_id in ids}) < len(ids)
    for pattern in (
        " ",
        r"/.+/",
        r"\.$",
        r"^\.",
        r"\.jpg$",
        "[äöüß]",
        "[\u4e00-\u9fff]",
        "[\u0590-\u06ff]",
        "🎆",
        "^=",
        "'",
    ):
        assert any(re.search(pattern, public_id) for public_id in ids), pattern


def test_folders_are_deep_unicode_spaced_and_never_differ_by_case_alone(words: list[SampleAsset]) -> None:
    folders = {
        "/".join(parts[:depth])
        for parts in (asset.asset_folder.split("/") for asset in words)
        for depth in range(1, len(parts) + 1)
    }
    assert max(folder.count("/") + 1 for folder in folders) == 5
    assert "" in folders
    assert any(" " in folder for folder in folders)
    assert any(not folder.isascii() for folder in folders)
    assert {"Events", "Events 2"} <= folders
    assert len(folders) == len({folder.casefold() for folder in folders})


def test_some_assets_have_no_words_and_many_share_them(words: list[SampleAsset]) -> None:
    names = Counter(asset.display_name for asset in words if asset.display_name)
    tags = Counter(tag for asset in words for tag in asset.tags)
    values = [value for asset in words for value in asset.context.values()]
    assert sum(not asset.tags and not asset.context and not asset.metadata for asset in words) >= 10
    assert sum(count > 1 for count in names.values()) >= 10
    assert sum(count >= 10 for count in tags.values()) >= 8
    assert any(not name.isascii() for name in names)
    assert any(not tag.isascii() for tag in tags)
    assert any("=" in value and "|" in value for value in values)
    assert any("\n" in value for value in values)
    assert any(asset.moderation for asset in words)
    assert any(asset.access_control for asset in words)


@pytest.mark.slow
def test_the_same_bytes_appear_under_several_ids(library: list[SampleAsset]) -> None:
    same: dict[bytes, set[Address]] = defaultdict(set)
    for asset in library:
        same[hashlib.sha256(asset.content).digest()].add(asset.address)
    groups = [addresses for addresses in same.values() if len(addresses) > 1]
    assert max(len(addresses) for addresses in groups) == 4
    assert {"image", "video", "raw"} == {address.resource_type for addresses in groups for address in addresses}


@pytest.mark.slow
def test_pictures_decode_as_what_their_name_says(library: list[SampleAsset]) -> None:
    names = {"jpg": "JPEG"}
    sides = set()
    for asset in _of(library, _PICTURES):
        with Image.open(io.BytesIO(asset.content)) as picture:
            assert names.get(_format(asset), _format(asset).upper()) == picture.format
            for frame in ImageSequence.Iterator(picture):
                frame.load()
            sides.add(picture.size)
            if asset.asset_folder == "Events/Animations":
                assert getattr(picture, "n_frames", 1) > 1
    assert len(sides) >= 20
    assert max(max(size) for size in sides) == 1600
    assert any(width > 2 * height for width, height in sides)
    assert any(height > width for width, height in sides)


@pytest.mark.slow
def test_drawings_and_printed_pages_are_well_formed(library: list[SampleAsset]) -> None:
    drawings = list(_of(library, frozenset({"svg"})))
    for asset in drawings:
        root = ElementTree.fromstring(asset.content)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert int(root.attrib["width"]) >= 300
    pages = [len(re.findall(rb"/Type\s*/Page\b", asset.content)) for asset in _of(library, frozenset({"pdf"}))]
    assert len(drawings) >= 10
    assert sorted(pages) == [1, 2, 3, 4]


@pytest.mark.slow
def test_films_play_and_some_have_sound(library: list[SampleAsset]) -> None:
    with_sound = []
    for asset in _of(library, _FILMS):
        with av.open(io.BytesIO(asset.content), "r") as film:
            assert sum(1 for _ in film.decode(video=0)) >= 24
            assert film.duration is not None
            assert 1_900_000 <= film.duration <= 3_100_000
            with_sound.append(len(film.streams.audio) == 1)
        with av.open(io.BytesIO(asset.content), "r") as film:
            if film.streams.audio:
                assert sum(frame.samples for frame in film.decode(audio=0)) > 40_000
    assert len(with_sound) >= 12
    assert any(with_sound)
    assert not all(with_sound)


@pytest.mark.slow
def test_sounds_play_and_are_not_silent(library: list[SampleAsset]) -> None:
    sounds = list(_of(library, _SOUNDS))
    assert len(sounds) >= 10
    for asset in sounds:
        assert asset.resource_type == "video"
        with av.open(io.BytesIO(asset.content), "r") as sound:
            assert not sound.streams.video
            resampler = av.AudioResampler(format="s16", layout="mono")
            parts = [part for frame in sound.decode(audio=0) for part in resampler.resample(frame)]
        assert max(max(memoryview(bytes(part.planes[0])).cast("h")) for part in parts) > 2_000


@pytest.mark.slow
def test_documents_are_what_their_names_say(library: list[SampleAsset]) -> None:
    seen = set()
    for asset in library:
        if asset.resource_type != "raw" or "." not in asset.public_id:
            continue
        extension = asset.public_id.rpartition(".")[2]
        seen.add(extension)
        match extension:
            case "json" | "geojson":
                assert json.loads(asset.content)
            case "csv":
                rows = list(csv.reader(io.StringIO(asset.content.decode("utf-8-sig"))))
                assert len(rows) > 10
                assert len({len(row) for row in rows}) == 1
            case "xml" | "gpx":
                assert len(ElementTree.fromstring(asset.content)) > 0
            case "zip" | "docx":
                with zipfile.ZipFile(io.BytesIO(asset.content)) as archive:
                    assert archive.testzip() is None
                    assert ("word/document.xml" in archive.namelist()) == (extension == "docx")
            case _:
                assert asset.content.decode()
    assert {"json", "geojson", "csv", "xml", "gpx", "zip", "docx", "txt", "md", "vtt", "ics"} == seen


def test_metadata_fields_cover_every_type_and_one_is_mandatory_with_a_default() -> None:
    fields = sample.metadata_fields()
    assert {"string", "integer", "date", "enum", "set"} == {field["type"] for field in fields}
    assert len(fields) == len({field["external_id"] for field in fields})
    mandatory = [field for field in fields if field["mandatory"]]
    assert [field["default_value"] in _entries(field) for field in mandatory] == [True]
    rules = {rule["type"] for field in fields if isinstance(rule := field.get("validation"), dict)}
    assert {"regex", "strlen", "and", "greater_than"} == rules


def test_metadata_fields_belong_to_the_caller() -> None:
    sample.metadata_fields()[0].clear()
    assert "external_id" in sample.metadata_fields()[0]


def test_metadata_values_fit_their_fields(words: list[SampleAsset]) -> None:
    fields = {str(field["external_id"]): field for field in sample.metadata_fields()}
    changes = sample.outsider_changes()
    edits = [change.metadata for change in changes if isinstance(change, sample.ChangeMetadata)]
    used = set()
    for metadata in (*(asset.metadata for asset in words), *edits):
        for name, value in metadata.items():
            used.add(name)
            assert _fits(fields[name], value), (name, value)
    assert set(fields) == used


def _entries(field: Mapping[str, object]) -> set[str]:
    source = field["datasource"]
    assert isinstance(source, dict)
    return {entry["external_id"] for entry in source["values"]}


def _fits(field: Mapping[str, object], value: sample.MetadataValue) -> bool:
    kind = field["type"]
    match value:
        case list() if kind == "set":
            return 0 < len(value) == len(set(value)) and set(value) <= _entries(field)
        case str() if kind == "enum":
            return value in _entries(field)
        case str() if kind == "date":
            date.fromisoformat(value)
            return _allows(field["validation"], value)
        case str() if kind == "string":
            return _allows(field["validation"], value)
        case int() if kind == "integer":
            return _allows(field["validation"], value)
    return False


def _allows(rule: object, value: str | int) -> bool:
    match rule:
        case {"type": "and", "rules": list() as rules}:
            return all(_allows(part, value) for part in rules)
        case {"type": "strlen", "min": int() as least, "max": int() as most}:
            return least <= len(str(value)) <= most
        case {"type": "regex", "value": str() as pattern}:
            return re.search(pattern, str(value)) is not None
        case {"type": "greater_than", "equals": equals, "value": bound}:
            return bool(value > bound or (equals and value == bound))
        case {"type": "less_than", "equals": equals, "value": bound}:
            return bool(value < bound or (equals and value == bound))
    raise AssertionError(f"unknown rule {rule}")


def test_outsiders_do_twelve_things_of_every_sort() -> None:
    kinds = Counter(type(change).__name__ for change in sample.outsider_changes())
    once = (
        "Overwrite",
        "ChangeTags",
        "ChangeContext",
        "ChangeMetadata",
        "ChangeDisplayName",
        "Rename",
        "Move",
    )
    assert dict.fromkeys(once, 1) | {"UploadNew": 2, "Delete": 3} == kinds


def test_outsiders_change_assets_that_exist_and_the_first_ten_are_all_of_them(
    words: list[SampleAsset],
) -> None:
    named = [change.address for change in sample.outsider_changes() if not isinstance(change, sample.UploadNew)]
    assert len(named) == len(set(named))
    assert set(named) == {asset.address for asset in words[: len(named)]}
    gone = [change.address for change in sample.outsider_changes() if isinstance(change, sample.Delete)]
    assert {"image", "video", "raw"} == {address.resource_type for address in gone}


def test_every_outsider_change_changes_something(words: list[SampleAsset]) -> None:
    before = {asset.address: asset for asset in (*words, *sample.assets(10))}
    folders = {asset.asset_folder for asset in words}
    for change in sample.outsider_changes():
        match change:
            case sample.UploadNew(asset):
                assert asset.address not in before
                assert Image.open(io.BytesIO(asset.content)).size
            case sample.Overwrite(address, _, content):
                assert Image.open(io.BytesIO(content)).format == "PNG"
                assert content != before[address].content
            case sample.ChangeTags(address, add, remove):
                assert add
                assert not set(add) & set(before[address].tags)
                assert remove
                assert set(remove) <= set(before[address].tags)
            case sample.ChangeContext(address, context):
                assert {**before[address].context, **context} != before[address].context
            case sample.ChangeMetadata(address, metadata):
                assert {**before[address].metadata, **metadata} != before[address].metadata
            case sample.ChangeDisplayName(address, display_name):
                assert display_name != before[address].display_name
            case sample.Rename(address, to_public_id):
                assert address._replace(public_id=to_public_id) not in before
            case sample.Move(_, asset_folder):
                assert asset_folder not in folders
            case sample.Delete(address):
                assert address in before
