"""A whole story with secrets that are easily recognised, and then a look for them in all that it left behind.

Belongs here: what is done, where is looked, and where a secret may rightly be.
Not here: the masking of a line (``unit.test_logs``).
"""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote_to_bytes

import httpx
import pytest
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from media_pipeline.emulator.config import Endpoints
from media_pipeline.emulator.control import ControlClient
from media_pipeline.emulator.server import EmulatorConfig, EmulatorThread
from media_pipeline.intake.receiver import PATH
from media_pipeline.orchestration.instance import prepare_home
from media_pipeline.settings import load
from media_pipeline_tests.cli.conftest import Call, Ended, environment

pytestmark = pytest.mark.slow

API_SECRET = "api+fake/secret of%tests"
WRONG_API_SECRET = "wrong+fake/secret of%tests"
DATABASE_PASSWORD = "database:fake/password+of%tests"
WEBHOOK_SECRET = "webhook+fake/secret%of-tests"
OLD_WEBHOOK_SECRET = "older+fake/secret%of-tests"
ALARM_TOKEN = "alarm-fake-token-of-tests"
ALARM_PASSWORD = "alarm-fake-password-of-tests"
METRICS_TOKEN = "metrics+fake/token%of-tests"
SECRETS = {
    "the API secret": API_SECRET,
    "the wrong API secret": WRONG_API_SECRET,
    "the password of the database": DATABASE_PASSWORD,
    "the secret of webhooks": WEBHOOK_SECRET,
    "the older secret of webhooks": OLD_WEBHOOK_SECRET,
    "the token of the alarm": ALARM_TOKEN,
    "the password of the alarm": ALARM_PASSWORD,
    "the token of the figures": METRICS_TOKEN,
}

ALLOWED: dict[str, str] = {}
"""Files below the home directory that rightly hold a secret, with the reason. There is none: the emulator of this test
keeps its state elsewhere, and every process gets its secrets by its environment."""


def forms(secret: str) -> dict[str, bytes]:
    """A secret as it is, and as it may be written down."""
    plain = secret.encode()
    found = {"plain": plain, "URL": quote(secret, safe="").encode(), "form": quote_plus(secret).encode()}
    found |= {"hex": plain.hex().encode(), "HEX": plain.hex().upper().encode()}
    for skipped in range(3):
        # Behind something else, as in 'key:secret', a secret begins at any of three places of a group of four letters;
        # letters that it shares with its neighbours are left out.
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            written = encode(b"\0" * skipped + plain).rstrip(b"=")
            found[f"{name} {skipped}"] = written[(0, 2, 3)[skipped] : -1]
    return found


FORMS = {f"{name}, {form}": text for name, secret in SECRETS.items() for form, text in forms(secret).items()}


def secrets_in(content: bytes) -> list[str]:
    # Programs differ in which letters of a URL they quote.
    read_as_url = unquote_to_bytes(content)
    return [name for name, text in FORMS.items() if text in content or text in read_as_url]


def unpacked(content: bytes) -> bytes:
    """The bytes, and what they hold if they are packed."""
    with suppress(zlib.error):
        return content + zlib.decompress(content)
    return content


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Endpoints]:
    with EmulatorThread(EmulatorConfig(tmp_path / "cloud", "secrets", api_secret=API_SECRET)) as running:
        with ControlClient(running.endpoints) as control:
            control.bulk(20)
        yield running.endpoints


@pytest.fixture
def variables(cloud: Endpoints, database_url: str, place: Path) -> dict[str, object]:
    """Settings of the whole story. The server of the tests lets everybody in, with any password."""
    url = make_url(database_url)
    return {
        "home": place / "home",
        "database_url": url.set(username=url.username or "postgres", password=DATABASE_PASSWORD).render_as_string(
            hide_password=False
        ),
        "cloudinary_url": cloud.cloudinary_url,
        "webhook_secrets": f"{WEBHOOK_SECRET},{OLD_WEBHOOK_SECRET}",
        "alarm_urls": f"json://me:{ALARM_PASSWORD}@127.0.0.1:9/{ALARM_TOKEN}",
        "metrics_token": METRICS_TOKEN,
        "metrics_textfile": place / "figures.prom",
        "log_level": "debug",
        "receiver_port": 0,
        "spool_reserve_bytes": 0,
        "undo_seconds": 0,
        "retries": 0,
        "alarm_after_seconds": 60,
    }


def rows(engine: Engine) -> Iterator[tuple[str, bytes]]:
    """Every value of every table that is not Postgres' own, by the name of its column."""
    with engine.connect() as connection:
        columns = connection.exec_driver_sql(
            "select c.table_schema, c.table_name, c.column_name, c.data_type from information_schema.columns as c"
            " inner join information_schema.tables as t using (table_schema, table_name)"
            " where t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema')"
        ).all()
        for schema, table, column, data_type in columns:
            name = sql.Identifier(column).as_string()
            value = name if data_type == "bytea" else f"convert_to({name}::text, 'UTF8')"
            place = sql.Identifier(schema, table).as_string()
            for found in connection.exec_driver_sql(f"select {value} from {place} where {name} is not null").scalars():
                yield f"{schema}.{table}.{column}", bytes(found)


def dagster(variables: dict[str, object], *arguments: str) -> Ended:
    """A process of Dagster's, as its daemon starts it."""
    known = {"CLOUDINARY_URL" if name == "cloudinary_url" else name: value for name, value in variables.items()}
    settings = load(**known)
    ours = {**environment(variables), **prepare_home(settings, str(variables["database_url"]))}
    command = [sys.executable, "-m", "dagster", *arguments]
    done = subprocess.run(
        command, env=ours, cwd=settings.home, capture_output=True, text=True, timeout=300, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def send(url: str) -> None:
    """What a receiver may be sent: one that is signed, one that is forged, one that guesses."""
    body = b'{"notification_type":"upload","asset_id":"0123456789abcdef0123456789abcdef"}'
    timestamp = str(int(time.time()))
    with httpx.Client(base_url=url, trust_env=False) as http:
        for secret, status in ((WEBHOOK_SECRET, 200), (OLD_WEBHOOK_SECRET, 200), ("nobody's", 401)):
            signature = hashlib.sha256(body + timestamp.encode() + secret.encode()).hexdigest()
            headers = {"X-Cld-Timestamp": timestamp, "X-Cld-Signature": signature}
            assert http.post(PATH, content=body, headers=headers).status_code == status
        for token, status in ((METRICS_TOKEN, 200), ("wrong", 401)):
            assert http.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == status


def test_nothing_that_is_written_anywhere_holds_a_secret(
    variables: dict[str, object],
    engine: Engine,
    place: Path,
    run: Call,
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    said: dict[str, Ended] = {}
    ended_otherwise: dict[str, int] = {}

    def story(code: int, *arguments: str, **changes: object) -> None:
        name = f"{' '.join(arguments)} {sorted(changes)}"
        said[name] = run(*arguments, **{**variables, **changes})
        if said[name].code != code:
            ended_otherwise[name] = said[name].code

    wrong_key = str(variables["cloudinary_url"]).replace(quote(API_SECRET, safe=""), quote(WRONG_API_SECRET, safe=""))
    database = make_url(str(variables["database_url"]))
    # Nobody listens there.
    nowhere = database.set(host="127.0.0.1", port=1, query={}).render_as_string(hide_password=False)
    story(0, "--verbose", "sync", log_json=True)
    with engine.begin() as connection:
        connection.exec_driver_sql("update media_assets set tags = array['new']")
    story(0, "--verbose", "push", "--json")
    receiver = start("--verbose", "receive", "--json", **variables, log_json=True)
    assert receiver.stdout is not None
    first = "".join(iter(receiver.stdout.readline, "}\n")) + "}\n"
    send(json.loads(first)["url"].removesuffix(PATH))
    receiver.send_signal(signal.SIGTERM)
    out, err = receiver.communicate(timeout=30)
    said["receive"] = Ended(receiver.returncode, first + out, err)
    assert "notification_refused" in err
    story(0, "--verbose", "drain")
    for log_json in (False, True):
        story(69, "--verbose", "sync", cloudinary_url=wrong_key, log_json=log_json)
        story(78, "--verbose", "status", "--json", database_url=nowhere, log_json=log_json)
        story(1, "alarm", "--json", database_url=nowhere, log_json=log_json)
    story(78, "--verbose", "status", database_url=nowhere.replace("postgresql", "mysql"))
    story(78, "--verbose", "status", retries="many")
    story(0, "--verbose", "status", "--json")
    story(0, "status")
    story(0, "--verbose", "doctor", "--json")
    story(78, "--verbose", "doctor", cloudinary_url=wrong_key)
    story(0, "metrics")
    for name, changes in (("runs", {}), ("fails", {"cloudinary_url": wrong_key})):
        job = ("job", "execute", "-m", "media_pipeline.definitions", "-j", "refresh_definitions")
        said[f"Dagster {name}"] = dagster({**variables, **changes}, *job)
    assert "RUN_SUCCESS" in said["Dagster runs"].err
    assert "RUN_FAILURE" in said["Dagster fails"].err

    files = [path for path in place.rglob("*") if path.is_file()]
    found = {f"{name}: {one}" for name, ended in said.items() for one in secrets_in((ended.out + ended.err).encode())}
    found |= {
        f"{path.relative_to(place)}: {one}"
        for path in files
        if str(path.relative_to(place)) not in ALLOWED
        for one in secrets_in(unpacked(path.read_bytes()))
    }
    values = list(rows(engine))
    found |= {f"{name}: {one}" for name, value in values for one in secrets_in(unpacked(value))}

    assert sorted(found) == []
    assert ended_otherwise == {}
    # That something was there to be searched.
    assert {name.partition(".")[0] for name, _ in values} >= {"ops", "landing", "mirror", "outbox", "public", "dagster"}
    assert len(values) > 1000
    assert {path.suffix for path in files} >= {".prom", ".yaml", ".err"}
    told = "".join(one.err for one in said.values())
    assert all(event in told for event in ("remote_call_made", "alarm_not_sent", "change_file_written"))


@pytest.mark.parametrize("name", SECRETS)
def test_every_form_of_a_secret_would_be_found(name: str) -> None:
    secret = SECRETS[name].encode()
    for content in (
        secret,
        quote(SECRETS[name], safe="").encode(),
        quote(SECRETS[name], safe=" +").encode(),
        secret.hex().encode(),
        *(base64.b64encode(before + secret + b"after") for before in (b"", b"k", b"ke", b"key:")),
        zlib.compress(b"before " + secret),
    ):
        assert any(one.startswith(f"{name},") for one in secrets_in(unpacked(content)))
