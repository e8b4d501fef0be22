"""The documentation says what the emulator does, and nothing else."""

from __future__ import annotations

import inspect
from pathlib import Path

import cloudinary.api  # type: ignore[import-untyped]
import cloudinary.uploader  # type: ignore[import-untyped]
import msgspec
import pytest

from media_pipeline.emulator import coverage
from media_pipeline.emulator.config import Settings
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind

DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator.md"
# What the SDK's modules hold besides calls.
HELPERS = {"only", "transformation_string", "call_api", "call_json_api", "call_metadata_api", "call_metadata_rules_api",
           "call_tags_api", "call_context_api", "call_cacheable_api", "build_eager", "upload_large_part",
           "download_generated_sprite", "download_multi", "is_appengine_sandbox"}  # fmt: skip


def test_the_coverage_list_is_up_to_date() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == coverage.rewritten(document), (
        "docs/emulator.md is stale: run python -m media_pipeline.emulator.coverage docs/emulator.md"
    )


def test_the_command_tells_a_stale_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "emulator.md"
    document.write_text(f"before\n{coverage.BEGIN}\nlong ago\n{coverage.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["coverage", str(document), "--check"])
    assert coverage.main() == 1
    monkeypatch.setattr("sys.argv", ["coverage", str(document)])
    assert coverage.main() == 0
    written = document.read_text(encoding="utf-8")
    assert (written[:7], written[-7:], "long ago" in written) == ("before\n", "\nafter\n", False)
    monkeypatch.setattr("sys.argv", ["coverage", str(document), "--check"])
    assert coverage.main() == 0


def test_a_document_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="The document needs the lines"):
        coverage.rewritten("nothing")


def test_every_call_of_the_sdk_is_listed() -> None:
    calls = {
        name
        for module in (cloudinary.api, cloudinary.uploader)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_") and name not in HELPERS
    }
    assert calls - coverage.functions() == set()


@pytest.mark.parametrize("names", [Settings.__struct_fields__, tuple(kind.value for kind in Kind)])
def test_every_setting_and_every_fault_is_explained(names: tuple[str, ...]) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in document] == []


def test_every_method_of_the_control_client_is_explained() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    methods = [name for name in vars(ControlClient) if not name.startswith("_")]
    assert [
        name
        for name in methods
        if f"`{name}(" not in document and name not in ("close", "clear_journal", "clear_stats")
    ] == []


def shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, (int, float)) else str(default or "none")


def test_defaults_in_the_document_are_the_real_ones() -> None:
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for name, default in msgspec.structs.asdict(Settings()).items():
        row = next(row for row in rows if f"`{name}`" in row)
        assert row.split("|")[2].strip() == shown(default)
