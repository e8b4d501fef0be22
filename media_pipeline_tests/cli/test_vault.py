"""``upload``, ``replace`` and ``vault``: files on their way, and what is kept."""

from __future__ import annotations

from pathlib import Path

from media_pipeline.errors import ExitCode
from media_pipeline.vault import Vault
from media_pipeline_tests.cli.conftest import Call, Deployment

EMBLEM = "logos/brackenhaven-emblem"


def test_the_vault_is_filled_in_steps_and_says_how_far_it_is(call: Call, mirrored: Deployment) -> None:
    before = call("vault", "status", "--json", **mirrored.variables).json
    small = call("vault", "fill", "--limit-mb", "0.2", "--json", **mirrored.variables)
    whole = call("vault", "fill", **mirrored.variables)
    after = call("vault", "status", "--json", **mirrored.variables).json

    assert (before["kept_count"], small.json["is_complete"]) == (0, False)
    assert small.json["kept_bytes"] <= 200_000
    assert (whole.code, after["kept_count"]) == (ExitCode.OK, after["asset_count"])
    assert after["kept_bytes"] == after["asset_bytes"]
    assert "100 %" in call("vault", "status", **mirrored.variables).out


def test_verify_names_a_damaged_file_by_its_asset(call: Call, mirrored: Deployment) -> None:
    call("vault", "fill", **mirrored.variables)
    whole = call("vault", "verify", **mirrored.variables)
    with mirrored.engine.connect() as connection:
        asset_id = connection.exec_driver_sql(
            "select asset_id from media_assets where public_id = %(p)s", {"p": EMBLEM}
        ).scalar_one()
    with Vault(mirrored.engine, mirrored.home).open_copy(asset_id) as copy:
        Path(copy.name).write_bytes(b"rotten")

    damaged = call("vault", "verify", **mirrored.variables)

    assert (whole.code, damaged.code) == (ExitCode.OK, ExitCode.FAILED)
    assert f"{EMBLEM}" in damaged.out
    assert "corrupt" in damaged.out


def test_an_upload_is_recorded_with_its_bytes(call: Call, mirrored: Deployment, tmp_path: Path) -> None:
    files = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for file in files:
        file.write_text(file.name)

    ended = call("upload", *map(str, files), "--folder", "notes", "--tags", "a, b", "--json", **mirrored.variables)

    assert ended.code == ExitCode.OK
    with mirrored.engine.connect() as connection:
        rows = connection.exec_driver_sql("select id, kind, wanted from outbox.operation order by id").all()
    assert [one["operation_id"] for one in ended.json["recorded"]] == [row[0] for row in rows]
    assert [(row[1], row[2]["tags"], row[2]["asset_folder"]) for row in rows] == [("upload", ["a", "b"], "notes")] * 2
    for row, file in zip(rows, files, strict=True):
        assert Vault(mirrored.engine, mirrored.home).checked(row[2]["sha256"]).read_text() == file.name


def test_what_cannot_be_uploaded_is_told_before_anything_is_recorded(
    call: Call, mirrored: Deployment, tmp_path: Path
) -> None:
    empty, full = tmp_path / "empty.txt", tmp_path / "full.txt"
    empty.touch()
    full.write_text("full")

    refused = [
        call("upload", str(empty), **mirrored.variables),
        call("upload", str(full), "--public-id", "a/../b", **mirrored.variables),
        call("upload", str(full), str(empty), "--public-id", "same", **mirrored.variables),
        call("upload", str(full), "--type", "film", **mirrored.variables),
        call("replace", "no/such/asset", str(full), **mirrored.variables),
    ]

    assert {one.code for one in refused} == {ExitCode.USAGE}
    with mirrored.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from outbox.operation").scalar_one() == 0


def test_a_replacement_is_recorded_for_the_asset_that_is_named(
    call: Call, mirrored: Deployment, tmp_path: Path
) -> None:
    new = tmp_path / "new.png"
    new.write_bytes(b"other bytes")

    ended = call("replace", EMBLEM, str(new), **mirrored.variables)

    assert ended.code == ExitCode.OK
    assert EMBLEM in ended.out
    with mirrored.engine.connect() as connection:
        assert connection.exec_driver_sql("select kind, state from outbox.operation").all() == [("replace", "pending")]


def test_bytes_come_from_the_cloud_or_else_from_the_vault(call: Call, mirrored: Deployment, tmp_path: Path) -> None:
    there, kept, none = tmp_path / "there", tmp_path / "kept", tmp_path / "none"
    online = call("vault", "get", EMBLEM, "-o", str(there), "--json", **mirrored.variables)
    away = {
        **mirrored.variables,
        "cloudinary_url": "cloudinary://1:some-secret-of-tests@emu-demo?upload_prefix=http://127.0.0.1:1",
        "retries": 0,
    }
    unknown = call("vault", "get", EMBLEM, "-o", str(none), **away)
    call("vault", "fill", **mirrored.variables)

    offline = call("vault", "get", EMBLEM, "-o", str(kept), **away)
    again = call("vault", "get", EMBLEM, "-o", str(kept), **away)

    assert (online.code, online.json["source"]) == (ExitCode.OK, "delivery")
    assert (unknown.code, none.exists()) == (ExitCode.FAILED, False)
    assert "the vault has none" in unknown.err
    assert offline.code == ExitCode.OK
    assert "from the vault" in offline.out
    assert there.read_bytes() == kept.read_bytes() != b""
    assert (again.code, "is there already" in again.err) == (ExitCode.CONFIGURATION, True)
    assert sorted(path.name for path in tmp_path.glob("*") if path.is_file()) == ["kept", "there"]
