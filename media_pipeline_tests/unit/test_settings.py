"""Settings: where they come from, their limits, and that no secret shows in what is said about them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from media_pipeline.errors import ConfigurationError, ExitCode
from media_pipeline.settings import CloudCredentials, Environment, Settings, child_environment, load
from media_pipeline.vocabulary import ResourceType, Slice

_FAKE_SECRET = "not-a-real-secret"
_FAKE_CLOUD = f"cloudinary://123456:{_FAKE_SECRET}@fake-cloud"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("MEDIA_PIPELINE_") or name == "CLOUDINARY_URL":
            monkeypatch.delenv(name)


def test_without_any_variable_everything_runs_locally() -> None:
    settings = load()

    assert settings.environment is Environment.DEVELOPMENT
    assert settings.home == Path(".media_pipeline")
    assert settings.database_url is None
    assert settings.cloud is None
    assert settings.secrets == ()


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_HOME", "/srv/media")
    monkeypatch.setenv("MEDIA_PIPELINE_LISTING_WORKERS", "3")
    monkeypatch.setenv("MEDIA_PIPELINE_LOG_LEVEL", "INFO")
    monkeypatch.setenv("CLOUDINARY_URL", _FAKE_CLOUD)
    settings = load()

    assert settings.home == Path("/srv/media")
    assert settings.listing_workers == 3
    assert settings.log_level == "info"
    assert settings.cloud is not None
    assert settings.cloud.cloud_name == "fake-cloud"


def test_what_the_caller_says_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_LISTING_WORKERS", "3")

    assert load(listing_workers=4).listing_workers == 4


@pytest.mark.parametrize("variable", ["CLOUDINARY_URL", "MEDIA_PIPELINE_DATABASE_URL"])
def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "")
    settings = load()

    assert settings.cloud is None
    assert settings.database_url is None


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_RESOURCE_TYPES", "video, image")
    monkeypatch.setenv("MEDIA_PIPELINE_DELIVERY_TYPES", "upload,private,")

    assert load().slices == (
        Slice(ResourceType.VIDEO, "upload"),
        Slice(ResourceType.VIDEO, "private"),
        Slice(ResourceType.IMAGE, "upload"),
        Slice(ResourceType.IMAGE, "private"),
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MEDIA_PIPELINE_DELIVERY_TYPES", " , "),
        ("MEDIA_PIPELINE_DELIVERY_TYPES", "upload,upload"),
        ("MEDIA_PIPELINE_RESOURCE_TYPES", "image,film"),
        ("MEDIA_PIPELINE_LISTING_PAGE_SIZE", "501"),
        ("MEDIA_PIPELINE_LISTING_PAGE_SIZE", "many"),
        ("MEDIA_PIPELINE_DELETION_LIMIT_SHARE", "1.5"),
        ("MEDIA_PIPELINE_LISTING_BUDGET_SHARE", "0"),
        ("MEDIA_PIPELINE_READ_BATCH_SIZE", "1"),
        ("MEDIA_PIPELINE_LOG_LEVEL", "loud"),
        ("MEDIA_PIPELINE_ENVIRONMENT", "staging"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=variable) as refused:
        load()
    assert refused.value.exit_code is ExitCode.CONFIGURATION


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_RETRIES", "-1")
    monkeypatch.setenv("MEDIA_PIPELINE_DAGSTER_PORT", "0")

    with pytest.raises(ConfigurationError, match=r"RETRIES.*DAGSTER_PORT|DAGSTER_PORT.*RETRIES"):
        load()


def test_a_refusal_does_not_repeat_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_LISTING_WORKERS", _FAKE_SECRET)

    with pytest.raises(ConfigurationError) as refused:
        load()
    assert _FAKE_SECRET not in f"{refused.value} {refused.value.hint}"
    assert refused.value.__suppress_context__


def test_production_needs_a_cloud() -> None:
    with pytest.raises(ConfigurationError, match="CLOUDINARY_URL must be set"):
        load(environment="production")


def test_production_takes_cloudinary_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDINARY_URL", f"{_FAKE_CLOUD}?upload_prefix=http://127.0.0.1:9000")
    with pytest.raises(ConfigurationError, match="upload_prefix"):
        load(environment="production")

    monkeypatch.setenv("CLOUDINARY_URL", f"{_FAKE_CLOUD}?upload_prefix=https://api-eu.cloudinary.com/")
    assert load(environment="production").environment is Environment.PRODUCTION


def test_development_may_use_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDINARY_URL", f"{_FAKE_CLOUD}?upload_prefix=http://127.0.0.1:9000/")
    cloud = load().cloud

    assert cloud is not None
    assert cloud.upload_prefix == "http://127.0.0.1:9000"


def test_the_parts_of_a_cloudinary_url_are_decoded() -> None:
    cloud = CloudCredentials.parse("cloudinary://12%203:a%2Fb%40c@fake-cloud")

    assert (cloud.api_key, cloud.api_secret, cloud.cloud_name) == ("12 3", "a/b@c", "fake-cloud")
    assert cloud.upload_prefix == "https://api.cloudinary.com"


@pytest.mark.parametrize(
    "url",
    [
        f"https://123456:{_FAKE_SECRET}@fake-cloud",
        f"cloudinary://:{_FAKE_SECRET}@fake-cloud",
        "cloudinary://123456@fake-cloud",
        f"cloudinary://123456:{_FAKE_SECRET}@",
        f"{_FAKE_CLOUD}?upload_prefix=ftp://h",
    ],
)
def test_a_broken_cloudinary_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        CloudCredentials.parse(url)

    assert _FAKE_SECRET not in f"{refused.value} {refused.value.hint}"


def test_no_representation_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDINARY_URL", _FAKE_CLOUD)
    monkeypatch.setenv("MEDIA_PIPELINE_DATABASE_URL", f"postgresql://u:{_FAKE_SECRET}@h/db")
    settings = load()

    assert _FAKE_SECRET not in f"{settings!r} {settings} {settings.cloud!r}"


def test_the_secrets_to_be_masked_are_found_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDINARY_URL", _FAKE_CLOUD)
    monkeypatch.setenv("MEDIA_PIPELINE_DATABASE_URL", "postgresql://u:fake%2Fword@h/db")
    monkeypatch.setenv("MEDIA_PIPELINE_DAGSTER_DATABASE_URL", "postgresql://u@h/dagster")

    assert load().secrets == (_FAKE_SECRET, "fake/word")


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().retries = 9


def test_every_setting_is_described() -> None:
    undescribed = [name for name, field in Settings.model_fields.items() if not field.description]

    assert undescribed == []


def test_a_child_process_gets_our_environment_with_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_HOME", "ours")
    child = child_environment(MEDIA_PIPELINE_HOME="theirs")

    assert child["MEDIA_PIPELINE_HOME"] == "theirs"
    assert os.environ["MEDIA_PIPELINE_HOME"] == "ours"
    assert child["PATH"] == os.environ["PATH"]


def test_the_spool_lies_in_the_home_directory_unless_it_is_named() -> None:
    assert load(home=Path("x")).spool == Path("x/spool")
    assert load(home=Path("x"), spool="").spool == Path("x/spool")
    assert load(home=Path("x"), spool=Path("y")).spool == Path("y")


@pytest.mark.parametrize(
    ("url", "said", "taken"),
    [
        (None, None, True),
        ("cloudinary://key:secret@emu-demo", None, True),
        ("cloudinary://key:secret@cloud", None, False),
        ("cloudinary://key:secret@cloud", "", False),
        ("cloudinary://key:secret@cloud", "true", True),
        (None, "false", False),
    ],
)
def test_sha1_is_taken_from_the_emulator_alone_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch, url: str | None, said: str | None, taken: bool
) -> None:
    for name, value in (("CLOUDINARY_URL", url), ("MEDIA_PIPELINE_WEBHOOK_SHA1", said)):
        if value is not None:
            monkeypatch.setenv(name, value)
    assert load().webhook_sha1 is taken


def test_a_password_among_the_options_of_an_address_is_a_secret() -> None:
    found = load(database_url="postgresql://me@host/media?sslmode=require&password=fake%2Fword")
    assert found.secrets == ("fake/word",)


def test_secrets_of_webhooks_are_not_mended_but_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_WEBHOOK_SECRETS", "one,,two\n")
    found = load()
    assert [one.get_secret_value() for one in found.webhook_secrets] == ["one", "", "two\n"]
    assert {"one", "two\n"} <= set(found.secrets)
    assert "two" not in repr(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("notification_url", "media.example.com/hook"),
        ("notification_url", "https://media.example.com"),
        ("poll_channel", "poll://orders"),
        ("poll_channel", "*"),
        ("poll_channel", "two words"),
    ],
)
def test_an_address_that_cannot_be_told_to_cloudinary_is_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"MEDIA_PIPELINE_{name.upper()}"):
        load(**{name: value})
