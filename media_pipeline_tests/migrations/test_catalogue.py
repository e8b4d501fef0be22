"""What the catalogue of a migrated database promises: descriptions, names, keys, triggers, indexes."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Engine

from media_pipeline.db import statements
from media_pipeline.db.engine import transaction
from media_pipeline_tests.migrations.catalogue import CHECK_VIOLATION, NAME, OURS, RELATIONS, refused, rows

# Referencing columns without an index: it would serve only the deletion of rows that nobody deletes.
UNINDEXED_REFERENCES = {
    "mirror.asset_sighting(approved_hold_id)": "ops.hold",
    "mirror.verify_queue(hold_id)": "ops.hold",
    "outbox.operation(kind)": "outbox.operation_kind",
    "outbox.operation(media_asset_id)": "media_assets",
}

ONE_ROW = {
    "landing.change_window": "(kind, low_at) values ('recent', now())",
    "landing.listing_run": "(resource_type, delivery_type, scope) values ('image', 'upload', 'all')",
    "landing.notification": "(body_digest, body, headers, channel, received_at, last_received_at, outcome)"
    " values (sha256('a'), 'a', '{}', 'webhook', now(), now(), 'no_asset')",
    "ops.hold": "(kind, reason, asset_count, total_count, ids_digest) values ('suspects', 'a', 1, 1, sha256('a'))",
    "ops.run": "(kind, actor) values ('full_sync', 'cli:test')",
    "public.media_assets": "(asset_id, resource_type, delivery_type, public_id, applied_fingerprint)"
    " values (repeat('a', 32), 'image', 'upload', 'a', sha256('a'))",
    "public.media_collections": "(slug, title, owner) values ('a', 'A', 'cli:test')",
    "public.media_folders": "(path, name) values ('a', 'a')",
    "public.media_metadata_fields": "(external_id, label, type, document, position)"
    " values ('a', 'A', 'string', '{}', 0)",
    "public.media_usage": "(media_asset_id, source_system, reference, usage_kind)"
    " select id, 'a', 'a', 'a' from public.media_assets",
}


def test_everything_is_described(engine: Engine) -> None:
    with transaction(engine) as connection:
        statements.run(connection, "audit/010_ensure_partitions")
    undescribed = f"""
      select n.nspname from pg_namespace n where {OURS} and obj_description(n.oid, 'pg_namespace') is null
      union all
      select {NAME} from {RELATIONS}
      where {OURS} and obj_description(c.oid, 'pg_class') is null
        and (c.relkind in ('r', 'p', 'v', 'm', 'f') or c.relkind = 'S' and not exists (
          select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'i'))
      union all
      select {NAME} || '.' || a.attname
      from {RELATIONS} join pg_attribute a on a.attrelid = c.oid
      where {OURS} and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
        and not c.relispartition and col_description(c.oid, a.attnum) is null
      union all
      select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where {OURS} and obj_description(p.oid, 'pg_proc') is null
    """

    assert rows(engine, undescribed) == []


def test_constraints_have_names_that_somebody_gave(engine: Engine) -> None:
    """A name that Postgres made up tells a person nothing when the constraint speaks. NOT NULL has no name to give."""
    named = rows(
        engine,
        f"""
        select c.relname, k.conname, k.contype::text
        from {RELATIONS} join pg_constraint k on c.oid = k.conrelid
        where {OURS} and k.contype not in ('n', 't') and k.conparentid = 0 and not c.relispartition
        """,
    )
    forms = {"p": r"{}_pkey", "f": r"{}_\w+_fkey", "u": r"{}_\w+", "c": r"{}_\w+", "x": r"{}_\w+"}
    # Postgres numbers the second of two names that it makes up.
    made_up = [
        name
        for relation, name, kind in named
        if not re.fullmatch(forms[kind].format(relation), name) or re.search(r"_check\d*$|_(key|fkey|excl)\d+$", name)
    ]

    assert len(named) > 50
    # Alembic makes and names its own table.
    assert made_up == ["alembic_version_pkc"]


def test_updated_at_has_its_trigger_wherever_it_stands(engine: Engine) -> None:
    # 19: for each row, before, update.
    tables = rows(
        engine,
        f"""
        select {NAME}, exists (
          select from pg_trigger t
          where t.tgrelid = c.oid and t.tgfoid = 'ops.set_updated_at'::regproc and t.tgenabled = 'O'
            and t.tgtype = 19 and t.tgqual is null and cardinality(t.tgattr::int2[]) = 0)
        from {RELATIONS} join pg_attribute a on a.attrelid = c.oid
        where {OURS} and c.relkind in ('r', 'p') and a.attname = 'updated_at' and not a.attisdropped
        order by 1
        """,
    )

    assert tables == [(table, True) for table in ONE_ROW]


@pytest.mark.parametrize("table", ONE_ROW)
def test_updated_at_is_now_whatever_it_is_set_to(engine: Engine, table: str) -> None:
    role = "media_sync" if table == "public.media_assets" else None
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"insert into public.media_assets {ONE_ROW['public.media_assets']}")
    with transaction(engine, role=role) as connection:
        if table != "public.media_assets":
            connection.exec_driver_sql(f"insert into {table} {ONE_ROW[table]}")
        before = connection.exec_driver_sql("select clock_timestamp()").scalar_one()
        connection.exec_driver_sql(f"update {table} set updated_at = '2001-01-01'")
        updated_at = connection.exec_driver_sql(f"select updated_at from {table}").scalar_one()

    assert updated_at >= before


def test_references_are_indexed_or_point_at_rows_that_stay(engine: Engine) -> None:
    references = rows(
        engine,
        f"""
        select {NAME} || '(' || (
            select string_agg(a.attname, ', ' order by u.place)
            from unnest(k.conkey) with ordinality u (attnum, place)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum) || ')',
          k.confrelid::regclass::text,
          exists (
            select from pg_index i
            where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
              and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
        from {RELATIONS} join pg_constraint k on c.oid = k.conrelid
        where {OURS} and k.contype = 'f' and k.conparentid = 0
        """,
    )

    assert len(references) > 8
    assert {column: table for column, table, is_indexed in references if not is_indexed} == UNINDEXED_REFERENCES
    for table in set(UNINDEXED_REFERENCES.values()):
        for role in ("media_sync", "media_upkeep"):
            assert rows(engine, f"select has_table_privilege('{role}', '{table}', 'delete, truncate')") == [False]


def test_every_table_has_a_primary_key(engine: Engine) -> None:
    keyless = f"""
      select {NAME} from {RELATIONS}
      where {OURS} and c.relkind in ('r', 'p')
        and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p')
    """

    assert rows(engine, keyless) == []


def test_a_column_named_id_is_given_by_the_database(engine: Engine) -> None:
    """An identity column cannot be written around, as a serial one can; 'true' is the key of a table of one row."""
    surrogates = rows(
        engine,
        f"""
        select {NAME}, a.atttypid::regtype::text, a.attidentity::text, pg_get_expr(d.adbin, d.adrelid)
        from {RELATIONS} join pg_attribute a on a.attrelid = c.oid and a.attname = 'id'
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where {OURS} and c.relkind in ('r', 'p') and not c.relispartition
        """,
    )
    forms = {("bigint", "a", None), ("uuid", "", "gen_random_uuid()"), ("boolean", "", "true")}
    serial = "select adrelid::regclass::text from pg_attrdef where pg_get_expr(adbin, adrelid) ~ 'nextval'"

    assert len(surrogates) > 8
    assert [(table, *form) for table, *form in surrogates if tuple(form) not in forms] == []
    assert rows(engine, serial) == []


def test_moments_know_their_zone_and_are_named_for_what_they_are(engine: Engine) -> None:
    moments = rows(
        engine,
        f"""
        select {NAME}, a.attname, a.atttypid::regtype::text
        from {RELATIONS} join pg_attribute a on a.attrelid = c.oid
        where {OURS} and c.relkind in ('r', 'p') and not a.attisdropped and a.atttypid::regtype::text ~ '^(time|date)'
        """,
    )
    # These say more than 'not_before_at' and 'lease_ends_at' would.
    told_otherwise = {"not_before", "leased_until"}
    wrong = [
        moment
        for moment in moments
        if moment[2] != "timestamp with time zone" or not (moment[1].endswith("_at") or moment[1] in told_otherwise)
    ]

    assert len(moments) > 30
    assert wrong == []


def test_truths_are_named_as_questions(engine: Engine) -> None:
    truths = rows(
        engine,
        f"""
        select {NAME}, a.attname from {RELATIONS} join pg_attribute a on a.attrelid = c.oid
        where {OURS} and c.relkind in ('r', 'p') and not a.attisdropped and a.atttypid = 'bool'::regtype
          and a.attname <> 'id'
        """,
    )

    assert len(truths) > 3
    assert [(table, name) for table, name in truths if not name.startswith(("is_", "has_"))] == []


@pytest.mark.parametrize(
    "impossible",
    [
        "state = 'asleep'",
        "state = 'done'",
        "state = 'pending', finished_at = now()",
        "state = 'leased'",
        "lease = gen_random_uuid(), leased_until = now()",
        "state = 'unknown'",
        "state = 'refused', finished_at = now()",
        "asset_id = null",
        "kind = 'explode'",
        "actor = ''",
        "attempt_count = -1",
    ],
)
def test_an_operation_cannot_be_in_a_state_that_makes_no_sense(engine: Engine, impossible: str) -> None:
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"insert into public.media_assets {ONE_ROW['public.media_assets']}")
        statements.run(connection, "audit/010_ensure_partitions")
    with transaction(engine, role=None) as connection:
        connection.exec_driver_sql("update media_assets set display_name = 'edited'")
        possible = refused("update outbox.operation set not_before = now()", connection)
        refusal = refused(f"update outbox.operation set {impossible}", connection)

    assert possible is None
    # A rule over the row, or over what it points at.
    assert refusal in {CHECK_VIOLATION, "23503"}
