"""Nothing is deleted or replaced in Cloudinary whose bytes are not kept here."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Engine

from media_pipeline import outbox, push
from media_pipeline import settings as settings_module
from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.faults import Kind, Rule
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.errors import NoCopy, VaultUnwritable
from media_pipeline.progress import Silent
from media_pipeline.push import uploads
from media_pipeline.push.uploads import Wish
from media_pipeline.reads.explain import explain
from media_pipeline.vault import Vault
from media_pipeline.vocabulary import ConflictId, ConflictState, PlanState, VaultState
from media_pipeline_tests.push.conftest import Pushed, PushRig

pytestmark = pytest.mark.slow


class VaultRig(PushRig):
    """A rig whose vault is on, with hands on the files of both sides."""

    state: Path

    @property
    def vault(self) -> Vault:
        return Vault(self.engine, self.settings.home)

    @property
    def kept(self) -> list[Path]:
        """Every file of the vault, those that are being written among them."""
        return sorted(path for path in (self.settings.home / "vault").glob("**/*") if path.is_file())

    def original(self, content: bytes) -> Path:
        """The emulator's own file of some bytes."""
        digest = hashlib.sha256(content).hexdigest()
        (found,) = self.state.glob(f"**/{digest}")
        return found

    def outcome(self) -> str:
        return str(self.query("select outcome from outbox.operation order by id desc limit 1")[0][0])

    def again(self) -> Pushed:
        """The next push, after the pause."""
        self.push_now()
        return self.push()


def picture(colour: int) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), (colour, 3, 7)).save(made, "PNG")
    return made.getvalue()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="module")
def cloud(state: Path) -> Iterator[Endpoints]:
    with EmulatorThread(EmulatorConfig(state, "vault-tests")) as running:
        yield running.endpoints


@pytest.fixture
def rig(engine: Engine, cloud: Endpoints, control: ControlClient, tmp_path: Path, state: Path) -> VaultRig:
    settings = settings_module.load(
        CLOUDINARY_URL=cloud.cloudinary_url,
        home=tmp_path / "home",
        listing_page_size=50,
        retries=1,
        retry_base_seconds=0.01,
        read_timeout_seconds=2,
        undo_seconds=0,
    )
    rig = VaultRig(engine, cloud, control, settings)
    rig.state = state
    return rig


@pytest.fixture
def two(rig: VaultRig) -> VaultRig:
    """Two mirrored pictures, a and b."""
    for name, colour in (("a", 10), ("b", 20)):
        rig.upload(
            name,
            content=picture(colour),
            tags=["harbour", "old"],
            context={"alt": "boats"},
            asset_folder="town/east",
            display_name=f"picture {name}",
        )
    rig.sync()
    return rig


def test_the_original_is_kept_before_its_asset_is_deleted(two: VaultRig) -> None:
    a = two.id_of("a")
    two.delete("a")

    two.push()

    assert two.operations() == [("delete", "done")]
    (file,) = two.kept
    assert file.read_bytes() == picture(10)
    digest = hashlib.sha256(picture(10)).hexdigest()
    assert file.relative_to(two.settings.home) == Path("vault", digest[:2], digest[2:4], digest)
    with two.vault.open_copy(a) as copy:
        assert copy.read() == picture(10)


def test_private_and_authenticated_originals_are_kept_as_well(rig: VaultRig) -> None:
    for number, kind in enumerate(("private", "authenticated")):
        rig.upload(kind, content=picture(number), delivery_type=kind)
    rig.upload("note.txt", content=b"a note", resource_type="raw")
    rig.upload("stays")
    rig.sync()
    rig.delete("private", "authenticated", "note.txt")

    rig.push()

    assert {state for _, state in rig.operations()} == {"done"}
    assert sorted(file.read_bytes() for file in rig.kept) == sorted([picture(0), picture(1), b"a note"])


def test_equal_bytes_are_kept_once(rig: VaultRig) -> None:
    for name in ("one", "two"):
        rig.upload(name, content=picture(5))
    rig.upload("stays")
    rig.sync()
    rig.delete("one", "two")

    rig.push()

    assert len(rig.kept) == 1
    assert set(rig.there()) == {"stays"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda file: file.unlink(), "Cloudinary"),
        (lambda file: file.write_bytes(file.read_bytes()[:-10]), "bytes came, the asset has"),
        (lambda file: file.write_bytes(bytes(reversed(file.read_bytes()))), "the MD5 of what came is"),
        (lambda file: file.write_bytes(file.read_bytes() + b"more"), "larger than"),
    ],
    ids=["missing", "truncated", "wrong bytes", "too long"],
)
def test_what_cannot_be_kept_is_not_deleted_and_says_why(two: VaultRig, spoil: Any, reason: str) -> None:
    two.upload("stays")
    two.sync()
    original = two.original(picture(10))
    spoil(original)
    two.delete("a", "b")

    pushed = two.push()

    assert (pushed.results["deletions"].sent, pushed.results["deletions"].postponed) == (1, 1)
    assert set(two.there()) == {"a", "stays"}
    assert two.operations() == [("delete", "pending"), ("delete", "done")]
    (outcome,) = two.query("select outcome from outbox.operation where state = 'pending'")
    assert outcome[0].startswith("not done, since")
    assert reason in outcome[0]
    assert [file.read_bytes() for file in two.kept] == [picture(20)]
    # Once the original is whole again, the deletion goes on.
    original.write_bytes(picture(10))
    two.again()
    assert [state for _, state in two.operations()] == ["done", "done"]


def test_a_delivery_network_that_fails_is_gone_around_by_the_api(two: VaultRig) -> None:
    two.control.add_faults(Rule(Kind.STATUS, method="GET", path=f"/{two.endpoints.cloud_name}/*", status=503))
    two.delete("a")

    two.push()

    assert two.operations() == [("delete", "done")]
    assert [file.read_bytes() for file in two.kept] == [picture(10)]


def test_where_nothing_is_delivered_nothing_is_deleted(two: VaultRig) -> None:
    for path in (f"/{two.endpoints.cloud_name}/*", "*/download"):
        two.control.add_faults(Rule(Kind.STATUS, method="GET", path=path, status=503))
    two.delete("a", "b")

    pushed = two.push()

    assert pushed.results["deletions"].postponed == 2
    assert set(two.there()) == {"a", "b"}
    assert two.kept == []
    two.control.clear_faults()
    two.again()
    assert two.there() == {}


def test_a_redirect_is_not_followed(two: VaultRig) -> None:
    elsewhere = {"Location": "http://169.254.169.254/latest"}
    for path in (f"/{two.endpoints.cloud_name}/*", "*/download"):
        two.control.add_faults(Rule(Kind.STATUS, method="GET", path=path, status=302, headers=elsewhere))
    two.delete("a")

    two.push()

    assert "answered 302" in two.outcome()
    assert set(two.there()) == {"a", "b"}


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


def test_a_process_that_dies_between_the_copy_and_the_deletion_leaves_both_whole(
    two: VaultRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    two.delete("a")
    with monkeypatch.context() as patch:
        patch.setattr("media_pipeline.remote.client.CloudinaryClient.delete_assets", die)
        patch.setattr("media_pipeline.push.relay._Relay.give_back", lambda *_: None)
        with pytest.raises(Killed):
            two.push()
    assert two.operations() == [("delete", "leased")]
    assert (set(two.there()), len(two.kept)) == ({"a", "b"}, 1)
    with two.engine.begin() as connection:
        connection.exec_driver_sql("update outbox.operation set leased_until = now() - interval '1 second'")
    for path in (f"/{two.endpoints.cloud_name}/*", "*/download"):
        two.control.add_faults(Rule(Kind.STATUS, method="GET", path=path, status=503))

    two.push()
    two.again()

    assert two.operations() == [("delete", "done")]
    assert set(two.there()) == {"b"}


def test_a_lost_answer_between_the_copy_and_the_deletion_costs_no_second_fetch(two: VaultRig) -> None:
    two.delete("a")
    two.control.add_faults(Rule(Kind.RESET_BEFORE_EFFECT, method="DELETE", path="/resources", times=1))
    two.push()
    assert "a" in two.there()
    assert len(two.kept) == 1
    for path in (f"/{two.endpoints.cloud_name}/*", "*/download"):
        two.control.add_faults(Rule(Kind.STATUS, method="GET", path=path, status=503))

    two.again()

    assert two.operations() == [("delete", "done")]
    assert set(two.there()) == {"b"}


def test_a_copy_that_rotted_is_fetched_anew_before_the_deletion(two: VaultRig) -> None:
    with two.client() as client:
        two.vault.fill(client, limit_bytes=None, progress=Silent())
    rotten = next(file for file in two.kept if file.read_bytes() == picture(10))
    rotten.write_bytes(b"rotten")
    two.delete("a")

    two.push()

    assert two.operations() == [("delete", "done")]
    assert rotten.read_bytes() == picture(10)


def test_a_disk_that_takes_nothing_stops_the_deletion(two: VaultRig) -> None:
    two.settings.home.mkdir()
    # A file in its place: the directory cannot be made, whoever runs the test.
    (two.settings.home / "vault").write_text("no directory")
    two.delete("a")

    two.push()

    assert set(two.there()) == {"a", "b"}
    assert two.operations() == [("delete", "pending")]
    assert "The vault cannot be written" in two.outcome()


def test_a_disk_that_fills_up_while_bytes_come_stops_the_deletion(
    two: VaultRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    two.delete("a")
    monkeypatch.setattr("media_pipeline.vault.os.fsync", full)
    two.push()
    assert "No space left on device" in two.outcome()
    assert set(two.there()) == {"a", "b"}
    assert two.kept == []

    monkeypatch.undo()
    two.again()

    assert two.operations() == [("delete", "done")]


def test_without_the_vault_a_deletion_needs_no_copy(two: VaultRig) -> None:
    two.delete("a")

    two.push(vault=False)

    assert two.operations() == [("delete", "done")]
    assert two.kept == []


def test_filling_fetches_what_is_missing_and_goes_on_where_it_ended(two: VaultRig) -> None:
    size = len(picture(10))
    with two.client() as client:
        first = two.vault.fill(client, limit_bytes=size + 1, progress=Silent())
        half = two.vault.status()
        second = two.vault.fill(client, limit_bytes=None, progress=Silent())
        third = two.vault.fill(client, limit_bytes=None, progress=Silent())

    assert (first.kept_count, first.kept_bytes, first.is_complete) == (1, size, False)
    assert (half.asset_count, half.kept_count, half.kept_bytes) == (2, 1, size)
    assert (second.kept_count, second.is_complete) == (1, True)
    assert (third.kept_count, third.failed_count) == (0, 0)
    assert two.vault.status().kept_count == 2


def test_filling_names_what_it_could_not_keep_and_keeps_the_rest(two: VaultRig) -> None:
    original = two.original(picture(10))
    original.unlink()

    with two.client() as client:
        filled = two.vault.fill(client, limit_bytes=None, progress=Silent())
    original.write_bytes(picture(10))

    assert (filled.kept_count, filled.failed_count) == (1, 1)
    assert filled.failures[0][:2] == (two.id_of("a"), "a")


def test_a_new_version_needs_a_new_copy(two: VaultRig) -> None:
    with two.client() as client:
        two.vault.fill(client, limit_bytes=None, progress=Silent())
        two.upload("a", content=picture(11))
        two.sync()
        assert two.vault.status().kept_count == 1
        two.vault.fill(client, limit_bytes=None, progress=Silent())

    with two.vault.open_copy(two.id_of("a")) as copy:
        assert copy.read() == picture(11)


def test_verify_names_corrupt_and_missing_files_by_their_assets(two: VaultRig) -> None:
    with two.client() as client:
        two.vault.fill(client, limit_bytes=None, progress=Silent())
    for file in two.kept:
        if file.read_bytes() == picture(10):
            file.write_bytes(picture(10)[:-1] + b"?")
        else:
            file.unlink()

    found = two.vault.verify(progress=Silent())

    assert found.file_count == 2
    assert {(one.state, one.assets) for one in found.damaged} == {
        (VaultState.CORRUPT, ("a",)),
        (VaultState.MISSING, ("b",)),
    }
    assert two.vault.status().kept_count == 0
    assert two.vault.status().damaged_count == 2
    with pytest.raises(NoCopy):
        two.vault.open_copy(two.id_of("a"))


def test_a_copy_can_be_served_while_nothing_else_answers(two: VaultRig) -> None:
    with two.client() as client:
        two.vault.fill(client, limit_bytes=None, progress=Silent())
    two.control.add_faults(Rule(Kind.STATUS, status=503))

    with two.vault.open_copy(two.id_of("b")) as copy:
        served = copy.read()
    two.control.clear_faults()

    assert served == picture(20)


def test_a_file_that_lost_bytes_is_not_served(two: VaultRig) -> None:
    with two.client() as client:
        two.vault.fill(client, limit_bytes=None, progress=Silent())
    for file in two.kept:
        file.write_bytes(b"short")

    with pytest.raises(NoCopy, match="another length"):
        two.vault.open_copy(two.id_of("a"))


def test_a_file_of_this_machine_is_kept_whole_or_not_at_all(rig: VaultRig, tmp_path: Path) -> None:
    file = tmp_path / "new.png"
    file.write_bytes(picture(1))
    stored = rig.vault.take_in(file)
    assert rig.vault.checked(stored.sha256).read_bytes() == picture(1)

    shutil.rmtree(rig.settings.home)
    rig.settings.home.write_text("no directory")

    with pytest.raises(VaultUnwritable):
        rig.vault.take_in(file)


# Bringing back


@pytest.fixture
def lost(two: VaultRig) -> VaultRig:
    """Picture a is deleted in Cloudinary, which has no backup; the vault has its bytes."""
    two.delete("a")
    two.push()
    assert set(two.there()) == {"b"}
    return two


def bring_back(rig: VaultRig, public_id: str) -> None:
    rig.edit(public_id, "deleted_at = null")
    rig.push()
    rig.again()


def test_cloudinarys_backup_comes_first(two: VaultRig) -> None:
    two.control.change_settings(backup=True)
    two.upload("c", content=picture(30), tags=["kept"])
    two.sync()
    before = two.id_of("c")
    two.delete("c")
    two.push()

    two.edit("c", "deleted_at = null")
    two.push()

    assert two.operations()[-1] == ("restore", "done")
    assert two.outcome() == "restored from Cloudinary's backup (all fields)"
    assert two.id_of("c") == before
    assert two.differences() == []


def test_without_a_backup_the_bytes_are_uploaded_anew_and_the_row_goes_on(lost: VaultRig) -> None:
    key, before = lost.query("select id, asset_id from media_assets where public_id = 'a'")[0]

    bring_back(lost, "a")

    there = lost.there()["a"]
    assert there["asset_id"] != before
    assert lost.operations()[-1] == ("restore", "done")
    assert lost.outcome() == f"uploaded anew from the vault (new asset_id {there['asset_id']})"
    assert lost.query("select id, asset_id, deleted_at from media_assets where public_id = 'a'") == [
        (key, there["asset_id"], None)
    ]
    assert (sorted(there["tags"]), there["context"]["custom"]) == (["harbour", "old"], {"alt": "boats"})
    assert (there["asset_folder"], there["display_name"]) == ("town/east", "picture a")
    assert lost.original(picture(10)).read_bytes() == picture(10)
    assert lost.differences() == []
    # The log still knows the old one, under the same stable key.
    assert lost.query(
        "select before, after from media_sync_log where media_asset_id = %(key)s and before ? 'asset_id'", key=key
    ) == [({"asset_id": before}, {"asset_id": there["asset_id"]})]
    assert lost.sync().diff.total == 0


def test_what_happened_under_the_old_id_is_still_known(two: VaultRig) -> None:
    two.edit("a", "tags = array['first']")
    two.push()
    key, before, moment = two.query("select id, asset_id, clock_timestamp() from media_assets where public_id = 'a'")[0]
    two.delete("a")
    two.push()
    bring_back(two, "a")
    two.edit("a", "tags = array['second']")
    two.push()

    then = two.query(
        "select asset_id, tags, deleted_at from media_assets_at(%(at)s) where id = %(key)s", at=moment, key=key
    )
    told = [event.what for event in explain(two.engine, "a").events]

    assert then == [(before, ["first"], None)]
    assert {"created", "deleted", "restored", "operation_done"} <= set(told)


def test_edits_made_while_it_was_away_follow_it(lost: VaultRig) -> None:
    lost.edit("a", "deleted_at = null")
    lost.edit("a", "display_name = 'back again'")

    lost.push()
    for _ in range(3):
        lost.again()

    assert lost.there()["a"]["display_name"] == "back again"
    assert {state for _, state in lost.operations()} == {"done"}
    assert lost.differences() == []


def test_without_backup_and_copy_a_restoration_is_refused_and_says_so(two: VaultRig) -> None:
    two.delete("a")
    two.push(vault=False)

    bring_back(two, "a")

    assert two.operations()[-1] == ("restore", "refused")
    assert two.outcome().startswith("refused: no backup and no copy")
    two.sync()
    assert two.deleted() == {"a"}


def test_a_corrupt_copy_is_no_copy(lost: VaultRig) -> None:
    for file in lost.kept:
        file.write_bytes(b"rotten")

    bring_back(lost, "a")

    assert lost.operations()[-1] == ("restore", "refused")
    assert "corrupt" in lost.outcome()
    assert set(lost.there()) == {"b"}


def test_a_name_that_somebody_took_meanwhile_is_not_overwritten(lost: VaultRig) -> None:
    lost.upload("a", content=picture(99))

    bring_back(lost, "a")

    assert lost.operations()[-1] == ("restore", "refused")
    assert "taken by" in lost.outcome()
    assert lost.original(picture(99)).exists()
    lost.sync()
    rows = lost.query("select deleted_at is null from media_assets where public_id = 'a' order by 1")
    assert rows == [(False,), (True,)]


@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE_EFFECT, Kind.RESET_AFTER_EFFECT])
def test_a_lost_answer_of_the_new_upload_makes_no_second_asset_and_no_second_row(lost: VaultRig, kind: Kind) -> None:
    lost.edit("a", "deleted_at = null")
    lost.push()
    lost.control.add_faults(Rule(kind, method="POST", path="*/upload", times=1))

    lost.again()
    lost.sync()
    for _ in range(3):
        lost.again()

    assert lost.operations()[-1] == ("restore", "done")
    assert lost.query("select count(*) from media_assets where public_id = 'a'") == [(1,)]
    assert lost.differences() == []


# Uploading and replacing


def file_of(tmp_path: Path, colour: int, name: str = "Old Harbour.png") -> Path:
    file = tmp_path / name
    file.write_bytes(picture(colour))
    return file


def test_a_file_of_this_machine_becomes_a_mirrored_asset(rig: VaultRig, tmp_path: Path) -> None:
    rig.sync()
    wish = Wish(asset_folder="town/new", tags=["fresh"], context={"alt": "the old harbour"})
    _, public_id = uploads.upload(rig.engine, rig.vault, file_of(tmp_path, 40), wish, actor="cli:ada")

    pushed = rig.push()

    assert pushed.sent == 1
    assert rig.operations() == [("upload", "done")]
    there = rig.there()[public_id]
    assert (there["tags"], there["asset_folder"], there["display_name"]) == (["fresh"], "town/new", "Old Harbour")
    row = rig.query("select id, asset_id from media_assets where public_id = %(p)s", p=public_id)
    assert rig.query("select media_asset_id, asset_id, actor from outbox.operation") == [(*row[0], "cli:ada")]
    assert rig.differences() == []


def test_names_made_here_are_uuids_that_sort_by_time(rig: VaultRig, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("a note")
    names = [
        uploads.upload(rig.engine, rig.vault, one, Wish(), actor="cli:ada")[1] for one in (file_of(tmp_path, 1), note)
    ]

    assert all(name[14] == "7" and name[19] in "89ab" for name in names)
    assert names[1].endswith(".txt")
    assert names == sorted(names)


@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE_EFFECT, Kind.RESET_AFTER_EFFECT, Kind.STATUS])
def test_an_upload_whose_answer_is_lost_is_made_again_and_exists_once(
    rig: VaultRig, tmp_path: Path, kind: Kind
) -> None:
    rig.sync()
    _, public_id = uploads.upload(rig.engine, rig.vault, file_of(tmp_path, 41), Wish(), actor="cli:ada")
    rig.control.add_faults(Rule(kind, method="POST", path="*/upload", times=1, status=500))

    rig.push()
    rig.again()

    assert rig.operations() == [("upload", "done")]
    assert set(rig.there()) == {public_id}
    assert rig.differences() == []


def test_an_upload_never_overwrites(two: VaultRig, tmp_path: Path) -> None:
    uploads.upload(two.engine, two.vault, file_of(tmp_path, 42), Wish(public_id="a"), actor="cli:ada")

    two.push()

    assert two.operations() == [("upload", "refused")]
    assert "taken by" in two.outcome()
    assert two.differences() == []


def test_an_upload_whose_file_is_gone_from_the_vault_waits_and_says_so(rig: VaultRig, tmp_path: Path) -> None:
    rig.sync()
    uploads.upload(rig.engine, rig.vault, file_of(tmp_path, 43), Wish(), actor="cli:ada")
    for file in rig.kept:
        file.unlink()

    rig.push()

    assert rig.operations() == [("upload", "pending")]
    assert "missing" in rig.outcome()


def test_a_replacement_keeps_the_old_bytes_and_everything_else(two: VaultRig, tmp_path: Path) -> None:
    key, before = two.query("select id, asset_id from media_assets where public_id = 'a'")[0]
    uploads.replace(two.engine, two.vault, key, file_of(tmp_path, 50), actor="cli:ada")

    two.push()

    assert two.operations() == [("replace", "done")]
    there = two.there()["a"]
    assert there["asset_id"] == before
    assert (sorted(there["tags"]), there["display_name"]) == (["harbour", "old"], "picture a")
    assert sorted(file.read_bytes() for file in two.kept) == sorted([picture(10), picture(50)])
    assert two.original(picture(50)).exists()
    assert two.differences() == []


def test_bytes_replaced_by_somebody_else_first_are_a_conflict(two: VaultRig, tmp_path: Path) -> None:
    key = two.query("select id from media_assets where public_id = 'a'")[0][0]
    uploads.replace(two.engine, two.vault, key, file_of(tmp_path, 51), actor="cli:ada")
    two.upload("a", content=picture(52), tags=["harbour"])

    two.push()

    assert two.operations() == [("replace", "conflict")]
    assert two.query("select field, state from outbox.conflict") == [("version", "open")]
    with two.client() as client:
        two.vault.fill(client, limit_bytes=None, progress=Silent())
    with two.vault.open_copy(two.id_of("a")) as copy:
        assert copy.read() == picture(52)


def test_a_conflict_over_bytes_that_is_decided_for_ours_replaces_theirs_and_keeps_them(
    two: VaultRig, tmp_path: Path
) -> None:
    key = two.query("select id from media_assets where public_id = 'a'")[0][0]
    uploads.replace(two.engine, two.vault, key, file_of(tmp_path, 54), actor="cli:ada")
    two.upload("a", content=picture(55))
    two.push()
    ((conflict_id,),) = two.query("select id from outbox.conflict where state = 'open'")

    outbox.resolve(
        two.engine,
        ConflictId(conflict_id),
        ConflictState.LOCAL_WINS,
        actor="cli:ada",
        policy_of=two.settings.conflict_policy,
    )
    two.push()

    assert two.operations() == [("replace", "conflict"), ("replace", "done")]
    assert two.original(picture(54)).exists()
    assert picture(55) in [file.read_bytes() for file in two.kept]
    assert two.differences() == []


def test_a_replacement_without_a_copy_of_the_old_bytes_waits(two: VaultRig, tmp_path: Path) -> None:
    key = two.query("select id from media_assets where public_id = 'a'")[0][0]
    uploads.replace(two.engine, two.vault, key, file_of(tmp_path, 53), actor="cli:ada")
    original = two.original(picture(10))
    original.write_bytes(b"wrong")

    two.push()
    original.write_bytes(picture(10))

    assert two.operations() == [("replace", "pending")]
    assert two.outcome().startswith("not done, since")
    assert two.there()["a"]["bytes"] == len(picture(10))


@pytest.mark.parametrize("kind", [Kind.RESET_BEFORE_EFFECT, Kind.RESET_AFTER_EFFECT])
def test_a_replacement_whose_answer_is_lost_is_settled_by_a_read(two: VaultRig, tmp_path: Path, kind: Kind) -> None:
    key = two.query("select id from media_assets where public_id = 'a'")[0][0]
    new = tmp_path / "larger.png"
    made = io.BytesIO()
    Image.new("RGB", (64, 48), (1, 2, 3)).save(made, "PNG")
    new.write_bytes(made.getvalue())
    uploads.replace(two.engine, two.vault, key, new, actor="cli:ada")
    two.control.add_faults(Rule(kind, method="POST", path="*/upload", times=1))

    two.push()
    two.again()

    assert two.operations() == [("replace", "done")]
    assert two.there()["a"]["bytes"] == len(made.getvalue())
    assert two.differences() == []


def test_many_replacements_at_once_wait_for_a_person_and_edits_do_not(two: VaultRig, tmp_path: Path) -> None:
    """The bytes that they end are as gone as those of deletions."""
    limits = {"deletion_limit_count": 1, "deletion_limit_share": 0.0}
    for number, (key,) in enumerate(two.query("select id from media_assets")):
        uploads.replace(two.engine, two.vault, key, file_of(tmp_path, 60 + number), actor="cli:ada")
    two.edit("a", "display_name = 'ours'")

    pushed = two.push(**limits)

    assert (pushed.plan.held, pushed.results["uploads"].tried, pushed.results["updates"].sent) == (2, 0, 1)
    ((reason,),) = two.query("select reason from outbox.push_plan where state = 'held'")
    assert "would lose their bytes" in reason
    (plan_id,) = pushed.plan.held_plan_ids
    push.decide(two.engine, two.settings, plan_id, PlanState.APPROVED, actor="cli:ada")
    assert two.push(**limits).results["uploads"].sent == 2
    assert {state for _, state in two.operations()} == {"done"}
    assert two.differences() == []
