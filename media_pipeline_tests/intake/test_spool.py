from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from media_pipeline.errors import SpoolError, SpoolFileUnknown, SpoolFull, SpoolUnavailable, TornFile
from media_pipeline.intake import spool as spool_module
from media_pipeline.intake.change_file import decoded, encoded
from media_pipeline.intake.spool import ChangeFile, Spool
from media_pipeline.vocabulary import Channel
from media_pipeline_tests.intake.conftest import BODY, notification

THREE = [
    notification(b""),
    notification(b'MPCF1 \n\n{"a": "\xff\x00"}\n', second=1, channel=Channel.POLL),
    notification(second=2),
]


def names(spool: Spool, part: str) -> list[str]:
    return sorted(path.name for path in (spool.directory / part).rglob("*") if not path.is_dir() or path.is_symlink())


def test_notifications_come_back_as_they_were_put(spool: Spool) -> None:
    path = spool.put(THREE)

    assert path.parent.name == "new"
    [file] = spool.claim("w", 10)
    assert spool.read(file) == THREE
    depth = spool.depth()
    assert (depth.file_count, depth.size_bytes) == (1, file.path.stat().st_size)
    assert depth.oldest_at is not None
    spool.done([file])
    assert (spool.depth().file_count, spool.depth().oldest_at) == (0, None)


def test_a_file_that_is_cut_anywhere_is_torn() -> None:
    content = encoded(THREE)
    for length in range(len(content)):
        with pytest.raises(TornFile):
            decoded(content[:length], "cut")
    with pytest.raises(TornFile):
        decoded(content + b"\n", "longer")


def test_a_file_with_any_bit_flipped_is_torn() -> None:
    content = encoded(THREE)
    for position in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[position] ^= 1 << bit
            with pytest.raises(TornFile):
                decoded(bytes(flipped), "flipped")


def test_a_notification_that_is_missing_is_noticed() -> None:
    content, ends = encoded(THREE), [len(encoded(THREE[:count])) for count in (1, 2)]
    first, second, third = content[: ends[0]], content[ends[0] : ends[1]], content[ends[1] :]

    assert decoded(first + second + third, "whole") == THREE
    assert decoded(third, "the last alone is a file of one") == THREE[2:]
    for wrong in (first + second, first + third, second, third + third, second + first + third):
        with pytest.raises(TornFile):
            decoded(wrong, "wrong")


def test_the_oldest_are_claimed_first_and_no_more_than_wanted(spool: Spool) -> None:
    paths = [spool.put([notification(second=second)]) for second in (3, 1, 2)]

    assert [file.path.name for file in spool.claim("w", 2)] == [paths[1].name, paths[2].name]
    assert [file.path.name for file in spool.claim("v", 2)] == [paths[0].name]


def test_workers_that_claim_at_once_get_each_file_once(spool: Spool) -> None:
    for number in range(120):
        (spool.directory / "new" / f"{number:03}.evt").write_bytes(encoded([notification()]))
    claimed: list[str] = []

    def claim(worker: str) -> None:
        while files := spool.claim(worker, 5):
            claimed.extend(file.path.name for file in files)

    threads = [threading.Thread(target=claim, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [f"{number:03}.evt" for number in range(120)]


def test_what_vanished_between_the_look_and_the_claim_is_skipped(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = spool.put([notification()])
    monkeypatch.setattr(spool_module, "_names", lambda _: ["0.evt", path.name])

    assert [file.path.name for file in spool.claim("w", 5)] == [path.name]


def make_device(path: Path) -> None:
    try:
        os.mknod(path, 0o20600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to("/etc/hostname"), "no plain file"),
        (lambda path: path.symlink_to(path.parent.parent / "tmp"), "no plain file"),
        (os.mkfifo, "no plain file"),
        (lambda path: path.mkdir(), "no plain file"),
        (make_device, "no plain file"),
        (lambda path: path.touch(), "empty"),
    ],
    ids=["link", "link to a directory", "pipe", "directory", "device", "empty"],
)
def test_what_is_no_change_file_is_set_aside_unopened_and_the_others_go_on(
    spool: Spool, make: Callable[[Path], None], reason: str
) -> None:
    make(spool.directory / "new" / "0.evt")
    path = spool.put([notification()])

    assert [file.path.name for file in spool.claim("w", 5)] == [path.name]
    [aside] = spool.list_quarantined()
    assert (aside.name, reason in aside.reason) == ("0.evt", True)


@pytest.mark.parametrize("name", [".hidden", "x" * 255, ".reason.json", "a\nb.reason.json", "\udcff.evt"])
def test_odd_names_are_set_aside_under_plain_ones(spool: Spool, name: str) -> None:
    (spool.directory / "new" / name).write_bytes(b"not a change file")
    for file in spool.claim("w", 5):
        with pytest.raises(TornFile):
            spool.read(file)
        spool.set_aside(file, "torn")

    [aside] = spool.list_quarantined()
    assert aside.name.replace(".", "").replace("_", "").isalnum()
    assert (aside.size_bytes, spool.depth().quarantined_count) == (17, 1)


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/hostname"), os.mkfifo, Path.mkdir])
def test_what_takes_the_place_of_a_claimed_file_is_not_opened(spool: Spool, make: Callable[[Path], None]) -> None:
    path = spool.directory / "cur" / "x.evt"
    make(path)

    with pytest.raises(TornFile, match="no plain file"):
        spool.read(ChangeFile(path))


def test_a_file_that_was_set_aside_can_be_replayed(spool: Spool) -> None:
    spool.put([notification()])
    [file] = spool.claim("w", 1)
    spool.set_aside(file, "bad_json")

    [aside] = spool.list_quarantined()
    assert (aside.reason, spool.depth().quarantined_count, spool.claim("w", 1)) == ("bad_json", 1, [])
    spool.replay(aside.name)
    assert (spool.list_quarantined(), names(spool, "quarantine")) == ([], [])
    [again] = spool.claim("v", 1)
    assert spool.read(again) == [notification()]


@pytest.mark.parametrize("name", ["x.evt", "../new/x.evt", "", ".", "kept.evt.reason.json"])
def test_a_name_that_is_not_in_quarantine_cannot_be_replayed(spool: Spool, name: str) -> None:
    (spool.directory / "new" / "x.evt").write_bytes(b"x")
    path = spool.put_aside([notification()], "unproved")
    path.rename(path.with_name("kept.evt"))
    Path(f"{path}.reason.json").rename(path.with_name("kept.evt.reason.json"))

    with pytest.raises(SpoolFileUnknown):
        spool.replay(name)


def test_a_file_without_its_reason_is_listed_all_the_same(spool: Spool) -> None:
    path = spool.put_aside([notification()], "unproved")
    Path(f"{path}.reason.json").unlink()

    assert [one.reason for one in spool.list_quarantined()] == ["not known"]


def test_only_what_dead_workers_claimed_is_taken_back(spool: Spool) -> None:
    for second in range(3):
        spool.put([notification(second=second)])
    spool.claim("3", 2)

    with spool.working() as alive:
        assert len(spool.claim(alive, 1)) == 1
        with spool.working() as another:
            assert another != alive
            assert len(spool.claim(another, 5)) == 2
        assert names(spool, "new") != []

    assert len(names(spool, "new")) == 3


def test_only_so_many_drains_are_at_work(spool: Spool) -> None:
    with ExitStack() as at_work:
        workers = {at_work.enter_context(spool.working()) for _ in range(8)}
        assert len(workers) == 8
        with pytest.raises(SpoolUnavailable, match="8 drains are at work"), spool.working():
            pass
    with spool.working():
        pass


@pytest.mark.parametrize("worker", ["", ".", "..", "a/b", ".hidden", "x" * 300])
def test_a_worker_whose_name_is_no_directory_is_refused(spool: Spool, worker: str) -> None:
    with pytest.raises(ValueError, match="directory of a worker"):
        spool.claim(worker, 1)


def test_what_a_killed_writer_left_is_removed_and_what_is_being_written_stays(spool: Spool) -> None:
    old, young = (spool.directory / "tmp" / name for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    spool.prepare()

    assert names(spool, "tmp") == ["young"]


def test_no_more_files_than_the_limit_wait(spool: Spool) -> None:
    small = Spool(spool.directory, file_limit=2, reserve_bytes=0)
    small.put([notification()])
    small.put([notification()])
    with pytest.raises(SpoolFull, match="2 change files wait"):
        small.put([notification()])
    assert len(names(spool, "new")) == 2


def test_room_on_the_disk_is_left(spool: Spool) -> None:
    with pytest.raises(SpoolFull, match="too little room"):
        Spool(spool.directory, file_limit=2, reserve_bytes=10**18).put([notification()])
    assert names(spool, "tmp") + names(spool, "new") == []


def test_a_spool_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    missing = Spool(tmp_path / "nowhere", file_limit=2, reserve_bytes=0)
    for call in (missing.depth, missing.list_quarantined, missing.require_room, lambda: missing.claim("w", 1)):
        with pytest.raises(SpoolUnavailable):
            call()


OPERATIONS = ("statvfs", "listdir", "open", "write", "fsync", "close", "link", "unlink")


def failing_at(monkeypatch: pytest.MonkeyPatch, place: int, number: int) -> list[str]:
    """Lets the file operation at *place*, counted from 0, fail; the names of those that were begun."""
    begun: list[str] = []

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            begun.append(name)
            if len(begun) - 1 == place:
                if name == "close":
                    real(*arguments)
                raise OSError(number, os.strerror(number))
            return real(*arguments, **options)

        return call

    for name in OPERATIONS:
        monkeypatch.setattr(os, name, failing(name, getattr(os, name)))
    return begun


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EROFS], ids=errno.errorcode.get)
def test_whichever_file_operation_fails_nothing_torn_is_seen_and_nothing_is_left(tmp_path: Path, number: int) -> None:
    for place in range(100):
        spool = Spool(tmp_path / f"{place}", file_limit=10, reserve_bytes=0)
        spool.prepare()
        with pytest.MonkeyPatch.context() as patch:
            begun = failing_at(patch, place, number)
            try:
                spool.put([notification()])
                failed = ""
            except SpoolError as error:
                failed = begun[place]
                kind = type(error)
        if not failed:
            break
        assert kind is (SpoolFull if number == errno.ENOSPC else SpoolUnavailable)
        # A whole file whose entry may be lost with the power is visible; the sender sends it again.
        for file in spool.claim("w", 5):
            assert spool.read(file) == [notification()]
            assert "link" in begun
        assert names(spool, "tmp") == [] or failed == "unlink"
        # After an error the kernel may call the same pages written: it is never asked again.
        assert failed != "fsync" or begun.count("fsync") == begun[: place + 1].count("fsync")
        spool.put([notification()])
    assert place == len(begun) > 10


def test_a_write_that_takes_a_byte_at_a_time_is_finished(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:1]))
    spool.put(THREE)
    monkeypatch.undo()

    assert spool.read(spool.claim("w", 1)[0]) == THREE


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user may not mount; the failures above inject the same error")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_takes_nothing_more_and_shows_nothing_torn(small_disk: Path) -> None:
    spool = Spool(small_disk, file_limit=1000, reserve_bytes=0)
    spool.prepare()
    with pytest.raises(SpoolFull):
        fill(spool)
    count = len(names(spool, "new"))
    assert (count > 5, names(spool, "tmp")) == (True, [])
    with spool.working() as worker:
        torn, *claimed = spool.claim(worker, 100)
        spool.set_aside(torn, "to see that it can be")
        assert [len(spool.read(file)) for file in claimed] == [1] * (count - 1)
        spool.done(claimed)
    spool.put([notification(BODY * 100)])


def fill(spool: Spool) -> None:
    for _ in range(100):
        spool.put([notification(BODY * 100)])


@pytest.mark.slow
def test_a_hundred_thousand_files_do_not_stop_it(spool: Spool) -> None:
    for number in range(100_000):
        (spool.directory / "new" / f"{number:06}.evt").write_bytes(b"x")

    assert spool.depth().file_count == 100_000
    with pytest.raises(SpoolFull):
        spool.put([notification()])
    assert [file.path.name for file in spool.claim("w", 500)] == [f"{number:06}.evt" for number in range(500)]
    with spool.working() as worker:
        assert len(spool.claim(worker, 500)) == 500
    assert spool.depth().file_count == 100_000
