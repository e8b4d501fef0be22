"""Functions and triggers of the tables that people see: figures, collections, text search."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from media_pipeline.db.engine import sqlstate, transaction
from media_pipeline_tests.migrations.catalogue import CHECK_VIOLATION, refused, rows

START = datetime(2026, 3, 1, tzinfo=UTC)


def insert(connection: Connection, table: str, **values: Any) -> Any:
    """Insert a row and return its first column."""
    names, places = ", ".join(values), ", ".join(f"%({name})s" for name in values)
    adapted = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in values.items()}
    return connection.exec_driver_sql(
        f"insert into {table} ({names}) overriding system value values ({places}) returning *", adapted
    ).first()[0]  # type: ignore[index]


def insert_asset(connection: Connection, number: int, **values: Any) -> str:
    asset_id = f"{number:032x}"
    defaults = {"resource_type": "image", "delivery_type": "upload", "public_id": f"p{number}"}
    insert(connection, "media_assets", asset_id=asset_id, applied_fingerprint=b"f", **{**defaults, **values})
    return asset_id


class Filled:
    """Rows of every table that the figures count, made up from a seed, and what counting them one by one gives."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self.connection = connection
        self.dice = random.Random(seed)
        self.count: Counter[str] = Counter()
        self.by_resource_type: Counter[str] = Counter()
        self.by_delivery_type: Counter[str] = Counter()
        self.full_syncs: list[datetime] = []
        self.applied: list[datetime] = []
        for fill in (self.assets, self.folders, self.runs, self.holds, self.quarantine, self.queue, self.changes):
            fill()

    def moment(self) -> datetime:
        return START + timedelta(seconds=self.dice.randrange(10**6))

    def assets(self) -> None:
        for number in range(self.dice.randrange(60)):
            kind, delivery = self.dice.choice(["image", "video", "raw", "3d"]), self.dice.choice(["upload", "private"])
            size, is_deleted = self.dice.choice([None, 0, 2**40 + number]), self.dice.random() < 0.3
            tombstone = {"deleted_at": self.moment(), "deleted_by": "cloudinary"} if is_deleted else {}
            insert_asset(
                self.connection, number, resource_type=kind, delivery_type=delivery, size_bytes=size, **tombstone
            )
            self.count["deleted_count" if is_deleted else "asset_count"] += 1
            if not is_deleted:
                self.count["total_size_bytes"] += size or 0
                self.by_resource_type[kind] += 1
                self.by_delivery_type[delivery] += 1

    def folders(self) -> None:
        for number in range(self.dice.randrange(5)):
            insert(self.connection, "media_folders", path=f"f{number}", name=f"f{number}")
            self.count["folder_count"] += 1
        for number in range(self.dice.randrange(5)):
            field = {"external_id": f"m{number}", "label": "a", "type": "string", "document": {}, "position": number}
            insert(self.connection, "media_metadata_fields", **field)
            self.count["metadata_field_count"] += 1

    def runs(self) -> None:
        for _ in range(self.dice.randrange(12)):
            kind = self.dice.choice(["full_sync", "incremental_sync", "verify"])
            state = self.dice.choice(["running", "succeeded", "held", "failed"])
            at = None if state == "running" else self.moment()
            insert(
                self.connection,
                "ops.run",
                kind=kind,
                state=state,
                actor="cli:test",
                finished_at=at,
                error="broken" if state == "failed" else None,
            )
            if at is not None and kind == "full_sync" and state in {"succeeded", "held"}:
                self.full_syncs.append(at)

    def holds(self) -> None:
        for number in range(self.dice.randrange(8)):
            state = self.dice.choice(["open", "approved", "rejected", "replaced"])
            size = self.dice.randrange(1, 100)
            insert(
                self.connection,
                "ops.hold",
                kind="suspects",
                resource_type=f"t{number}",
                state=state,
                reason="a",
                asset_count=size,
                total_count=100,
                ids_digest=bytes(32),
                decided_at=None if state == "open" else START,
                decided_by="cli:ada" if state in {"approved", "rejected"} else None,
            )
            if state == "open":
                self.count["open_hold_count"] += 1
                self.count["held_asset_count"] += size

    def quarantine(self) -> None:
        for number in range(self.dice.randrange(6)):
            is_resolved = self.dice.random() < 0.5
            insert(
                self.connection,
                "mirror.quarantine",
                reason="wrong_type",
                detail="a",
                body=b"{}",
                body_digest=bytes(31) + bytes([number]),
                resolved_at=START if is_resolved else None,
            )
            self.count["quarantined_count"] += not is_resolved

    def queue(self) -> None:
        for number in range(self.dice.randrange(6)):
            insert(self.connection, "mirror.verify_queue", asset_id=f"{number:032x}", reason="manual", hint_touch=1)
            self.count["verify_queue_count"] += 1

    def changes(self) -> None:
        for _ in range(self.dice.randrange(5)):
            set_state, at = self.dice.choice(["pending", "applied", "superseded"]), self.moment()
            finished_at = None if set_state == "pending" else at
            set_ = insert(self.connection, "diff.change_set", state=set_state, computed_at=at, finished_at=finished_at)
            if set_state == "applied":
                self.applied.append(at)
            for number in range(self.dice.randrange(6)):
                state = self.dice.choice(["pending", "applied", "held", "superseded"])
                change = {"change_set_id": set_, "asset_id": f"{number:032x}", "kind": "deleted", "state": state}
                insert(self.connection, "diff.change", **change)
                self.count["pending_change_count"] += set_state == "pending" and state in {"pending", "held"}


@pytest.mark.parametrize("seed", range(12))
def test_the_statistics_are_what_counting_one_by_one_gives(engine: Engine, seed: int) -> None:
    with transaction(engine) as connection:
        filled = Filled(connection, seed)
        figures = connection.exec_driver_sql("select get_media_statistics()").scalar_one()
    moments = {
        name: value if value is None else datetime.fromisoformat(value)
        for name, value in figures.items()
        if name.endswith("_at")
    }
    counts = {name: value for name, value in figures.items() if name.endswith(("_count", "_bytes"))}

    assert counts == {name: filled.count[name] for name in counts}
    assert set(counts) >= set(filled.count)
    assert figures["by_resource_type"] == dict(filled.by_resource_type)
    assert figures["by_delivery_type"] == dict(filled.by_delivery_type)
    assert moments == {
        "last_full_sync_at": max(filled.full_syncs, default=None),
        "last_change_at": max(filled.applied, default=None),
    }
    assert len(figures) == len(counts) + len(moments) + 2


def test_an_empty_library_has_figures_too(engine: Engine) -> None:
    (figures,) = rows(engine, "select get_media_statistics()")

    assert figures["asset_count"] == figures["total_size_bytes"] == figures["held_asset_count"] == 0
    assert figures["by_resource_type"] == {}
    assert figures["last_full_sync_at"] is None


@contextmanager
def nested(engine: Engine, depth: int) -> Iterator[tuple[Connection, list[Any]]]:
    """Collections, each inside the one before it; outermost first."""
    with transaction(engine, role=None) as connection:
        chain: list[Any] = []
        for number in range(depth):
            parent = {"parent_id": chain[-1]} if chain else {}
            chain.append(insert(connection, "media_collections", slug=f"c{number}", title="C", owner="a", **parent))
        yield connection, chain


def move(which: Any, into: Any) -> Callable[[Connection], object]:
    text = "update media_collections set parent_id = %(into)s where id = %(which)s"
    return lambda connection: connection.exec_driver_sql(text, {"which": which, "into": into})


@pytest.mark.parametrize("depth", [1, 2, 3, 60])
def test_a_collection_cannot_be_moved_into_itself_however_deep(engine: Engine, depth: int) -> None:
    with nested(engine, depth) as (connection, chain):
        for below in chain[:: max(1, depth // 5)]:
            assert refused(move(chain[0], below), connection) == CHECK_VIOLATION


def test_a_collection_cannot_be_made_inside_itself(engine: Engine) -> None:
    own = """
      insert into media_collections (id, parent_id, slug, title, owner)
      select id, id, 'a', 'A', 'a' from (values (gen_random_uuid())) v (id)
    """
    with transaction(engine, role=None) as connection:
        assert refused(own, connection) == CHECK_VIOLATION


def test_one_statement_that_moves_two_collections_cannot_close_a_circle(engine: Engine) -> None:
    swap = """
      update media_collections c set parent_id = o.id from media_collections o
      where c.slug in ('left', 'right') and o.slug in ('left', 'right') and c.slug <> o.slug
    """
    with transaction(engine, role=None) as connection:
        for slug in ("left", "right"):
            insert(connection, "media_collections", slug=slug, title="C", owner="a")

        assert refused(swap, connection) == CHECK_VIOLATION


def test_a_collection_may_move_anywhere_else(engine: Engine) -> None:
    with nested(engine, 5) as (connection, chain):
        assert refused(move(chain[3], chain[0]), connection) is None
        assert refused(move(chain[3], None), connection) is None
        assert refused(move(chain[1], chain[0]), connection) is None


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_two_moves_at_once_cannot_close_a_circle(engine: Engine, isolation: str) -> None:
    with nested(engine, 1) as (connection, (first,)):
        second = insert(connection, "media_collections", slug="second", title="C", owner="a")
    told: list[str | None] = []

    def other_way() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"set transaction isolation level {isolation}")
            connection.exec_driver_sql("select count(*) from media_collections")
            has_looked.set()
            try:
                move(second, first)(connection)
                connection.commit()
            except DBAPIError as error:
                told.append(sqlstate(error))

    has_looked = threading.Event()
    thread = threading.Thread(target=other_way)
    with transaction(engine, role=None) as connection:
        move(first, second)(connection)
        thread.start()
        assert has_looked.wait(10)
        # Until the other one waits for us, or is through.
        waiting = "select count(*) from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"
        while not connection.exec_driver_sql(waiting).scalar_one() and thread.is_alive():
            connection.exec_driver_sql("select pg_sleep(0.01)")
    thread.join(30)

    assert told in ([CHECK_VIOLATION], ["40001"])
    assert rows(engine, "select slug from media_collections where parent_id is not null") == ["c0"]


def test_an_asset_is_found_by_its_words(engine: Engine) -> None:
    expected = {
        "summer": True,
        "red": True,
        "v2": True,
        "shoes & red": True,
        "größe": True,
        "somm:*": True,
        "bestseller": True,
        "'new arrival'": True,
        "arrival": True,
        "'arrival new'": False,
        "caption": False,
        "lakeside": True,
        "LAKESIDE": True,
        "blå": True,
        "4711": True,
        "sku": False,
        "winter": False,
    }
    with transaction(engine) as connection:
        insert_asset(
            connection,
            1,
            public_id="shoes/summer-2026_red.v2",
            display_name="Sommer Größe",
            tags=["Bestseller", "new arrival"],
            context={"caption": "lakeside at dusk"},
            metadata={"colour": ["blå", "rot"], "sku": 4711},
        )
    find = "select count(*) > 0 from media_assets where search @@ to_tsquery('simple', %(words)s)"

    assert {words: rows(engine, find, words=words)[0] for words in expected} == expected


def test_names_weigh_more_than_tags_and_tags_more_than_context(engine: Engine) -> None:
    with transaction(engine) as connection:
        insert_asset(connection, 1, context={"a": "lake"})
        insert_asset(connection, 2, tags=["lake"])
        insert_asset(connection, 3, public_id="lake")
    ranked = rows(
        engine, "select asset_id from media_assets order by ts_rank(search, to_tsquery('simple', 'lake')) desc"
    )

    assert [int(asset_id, 16) for asset_id in ranked] == [3, 2, 1]


def distinct_words(size: int, prefix: str) -> str:
    """Text of about *size* bytes in which no word comes twice; it compresses well, and its index does not."""
    return " ".join(f"{prefix}{number:07d}" for number in range(size // (len(prefix) + 8)))


def dense_words(size: int) -> str:
    """Text of *size* bytes whose index is as large as it gets: every word is short, and none comes twice."""
    letters = "0123456789abcdefghijklmnopqrstuvwxyz"
    words = (f"{a}{b}{c}" for a in letters for b in letters for c in letters)
    return " ".join(itertools.islice(words, size // 4))


TAGS = [f"{number:04d}" + "𝄞" * 251 for number in range(1000)]
HUGE: dict[str, dict[str, Any]] = {
    "tags": {"tags": TAGS},
    "context of one text": {"context": {"a": distinct_words(2**20, "word")}},
    "context of many texts": {"context": {f"k{n}": distinct_words(1024, f"w{n}x") for n in range(1000)}},
    "context of one word": {"context": {"a": "x" * 2**20}},
    "metadata": {"metadata": {"a": distinct_words(2**20, "meta")}},
    "display name": {"display_name": distinct_words(2**21, "name")},
    **{
        f"everything, with {size} bytes of dense words": {
            "tags": TAGS,
            "context": {"a": dense_words(size)},
            "metadata": {"a": dense_words(size)},
            "display_name": dense_words(size),
        }
        # The bounds lie somewhere here; what is just below one must fit, too.
        for size in (49_000, 99_000, 149_000, 180_000)
    },
}


@pytest.mark.parametrize("what", HUGE)
def test_an_asset_with_huge_fields_is_stored_and_found_by_its_name(engine: Engine, what: str) -> None:
    """From a client and from another table: there values are stored compressed, and their size tells little of them."""
    values = {"context": {}, "metadata": {}, "tags": [], "display_name": None, **HUGE[what]}
    with transaction(engine) as connection:
        insert_asset(connection, 1, public_id="whale", **values)
        insert_asset(connection, 2, public_id="wal")
        connection.exec_driver_sql(
            "create temporary table stored (display_name text, tags text[], context jsonb, metadata jsonb)"
        )
        insert(connection, "stored", **values)
        connection.exec_driver_sql(
            "update media_assets a set display_name = s.display_name, tags = s.tags, context = s.context,"
            " metadata = s.metadata from stored s where a.public_id = 'wal'"
        )

    found = rows(engine, "select public_id from media_assets where search @@ to_tsquery('simple', 'whale | wal')")

    assert sorted(found) == ["wal", "whale"]
