"""From a signed request to Postgres: recorded messages, and a database that is away meanwhile."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from media_pipeline import settings as settings_module
from media_pipeline.db.embedded import EmbeddedServer
from media_pipeline.db.engine import create_engine, read_only
from media_pipeline.db.migrate import upgrade
from media_pipeline.errors import DatabaseError
from media_pipeline.intake.configured import spool_of
from media_pipeline.intake.drain import DrainResult, drain
from media_pipeline.progress import Silent
from media_pipeline.settings import Settings
from media_pipeline_tests.arriving.conftest import HearingRig, receiving
from media_pipeline_tests.unit.test_payloads import recorded

SECRET = "a-secret-of-these-tests"
CLOUD = "cloudinary-training"
# What comes of each recorded message; those without an asset_id are of assets that nobody here knows.
OUTCOMES = {
    "webhook-eager-video-first-upload": "hinted",
    "webhook-eager-video-identical-reupload": "hinted",
    "webhook-moderation-rejected-2020": "no_asset",
    "webhook-moderation-rejected-2022": "hinted",
    "webhook-sprite": "hinted",
    "webhook-upload-video-existing-moderation-approved": "hinted",
    "webhook-upload-video-moderation-pending": "no_asset",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_module.load(home=tmp_path, webhook_secrets=(SecretStr(SECRET),), spool_reserve_bytes=0)


def post(http: httpx.Client, address: str, body: bytes) -> int:
    timestamp = str(int(time.time()))
    signature = hashlib.sha256(body + timestamp.encode() + SECRET.encode()).hexdigest()
    headers = {"X-Cld-Timestamp": timestamp, "X-Cld-Signature": signature}
    return http.post(address, content=body, headers=headers).status_code


def take_in(engine: Engine, settings: Settings, cloud_name: str = CLOUD) -> DrainResult:
    return drain(
        engine, spool_of(settings), cloud_name=cloud_name, delivery_types=settings.delivery_types, progress=Silent()
    )


@pytest.mark.parametrize("file", recorded("webhook-*.json"))
def test_a_recorded_message_passes_the_whole_way(file: Path, engine: Engine, settings: Settings) -> None:
    body = file.read_bytes()
    with receiving(settings) as address, httpx.Client(trust_env=False) as http:
        assert post(http, address, body) == 200

    take_in(engine, settings)

    with read_only(engine) as connection:
        rows = connection.exec_driver_sql(
            "select n.body, n.outcome, n.notification_type, cardinality(n.asset_ids), (select count(*) from"
            " mirror.verify_queue as q where q.asset_id = any (n.asset_ids)) from landing.notification as n"
        ).all()
    assert [row[:3] for row in rows] == [(body, OUTCOMES[file.stem], json.loads(body).get("notification_type"))]
    assert rows[0][3] == rows[0][4] == (OUTCOMES[file.stem] == "hinted")


@pytest.mark.slow
def test_what_is_acknowledged_while_postgres_is_away_is_landed_afterwards(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> None:
    acknowledged: set[str] = set()
    stop = threading.Event()

    def send(address: str, sender: int) -> None:
        with httpx.Client(trust_env=False, timeout=30) as http:
            for number in range(2000):
                if stop.is_set():
                    return
                asset_id = f"{sender:08x}{number:024x}"
                body = json.dumps({"notification_type": "upload", "asset_id": asset_id}).encode()
                if post(http, address, body) == 200:
                    acknowledged.add(asset_id)

    home = tmp_path_factory.mktemp("away")
    with receiving(settings) as address:
        threads = [threading.Thread(target=send, args=(address, sender)) for sender in range(4)]
        with EmbeddedServer(home) as server:
            engine = create_engine(server.url, pool_size=2)
            upgrade(engine)
            for thread in threads:
                thread.start()
            first = take_in(engine, settings)
        with pytest.raises(DatabaseError):
            _until_something_waits(settings, lambda: take_in(engine, settings))
        before = len(acknowledged)
        _wait_for(lambda: len(acknowledged) > before + 50)
        engine.dispose()
        with EmbeddedServer(home) as server:
            stop.set()
            for thread in threads:
                thread.join(30)
            engine = create_engine(server.url, pool_size=2)
            second = take_in(engine, settings)
            with read_only(engine) as connection:
                landed = (
                    connection.exec_driver_sql("select unnest(asset_ids) from landing.notification").scalars().all()
                )
            engine.dispose()

    assert first.notifications < len(acknowledged)
    assert second.notifications > 0
    assert set(landed) == acknowledged
    assert len(landed) == len(acknowledged)


def _until_something_waits(settings: Settings, work: Callable[[], object]) -> None:
    _wait_for(lambda: spool_of(settings).depth().file_count > 0)
    work()


def _wait_for(is_so: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    raise TimeoutError


def test_a_flipped_bit_anywhere_leaves_no_trace(rig: HearingRig, settings: Settings) -> None:
    body = b'{"notification_type":"upload","asset_id":"0123456789abcdef0123456789abcdef"}'
    timestamp = str(int(time.time()))
    signature = hashlib.sha256(body + timestamp.encode() + SECRET.encode()).hexdigest()
    with receiving(settings) as address, httpx.Client(trust_env=False) as http:
        statuses = set()
        for bit in range(0, len(body) * 8, 7):
            flipped = bytearray(body)
            flipped[bit // 8] ^= 1 << bit % 8
            headers = {"X-Cld-Timestamp": timestamp, "X-Cld-Signature": signature}
            statuses.add(http.post(address, content=bytes(flipped), headers=headers).status_code)

    assert statuses <= {401, 429}
    assert spool_of(settings).depth().file_count == 0
