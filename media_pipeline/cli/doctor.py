"""``media-pipeline doctor``: whether this deployment can work, and what to mend where it cannot.

Belongs here: the checks, in the order in which one needs the other; their report.
Not here: the state of a working deployment (``cli.status``), mending anything.

No check writes to the cloud or to a table; a missing embedded database is made, as any command would make it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from media_pipeline import settings as settings_module
from media_pipeline.cli import local, screen
from media_pipeline.cli.emulator_host import shared_emulator
from media_pipeline.db import embedded, migrate
from media_pipeline.db.engine import place_of, read_only
from media_pipeline.errors import ConfigurationError, ExitCode, MediaPipelineError, RemoteError
from media_pipeline.logs import mask
from media_pipeline.ops import binding
from media_pipeline.remote.calls import UnlimitedBudget
from media_pipeline.settings import Environment, Settings
from media_pipeline.vocabulary import CloudIdentity

if TYPE_CHECKING:
    from media_pipeline.remote.key_report import KeyReport

_SKEW_LIMIT_SECONDS: Final = 30

_Found = TypeVar("_Found")


class Outcome(StrEnum):
    """What a check found; skipped where an earlier one failed that it needs."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check; *advice* says what to do and is empty unless it failed."""

    name: str
    outcome: Outcome
    finding: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks, in order."""

    is_healthy: bool
    checks: tuple[Check, ...]


def command(overrides: Mapping[str, Any], *, is_json: bool) -> ExitCode:
    """Examine; unlike other commands this one also runs where the settings cannot be read."""
    with ExitStack() as started:
        checks = _Examiner(started).examine(overrides)
    found = Examination(all(check.outcome is not Outcome.FAILED for check in checks), tuple(checks))
    screen.print_json(found) if is_json else _show(found, screen.out())
    return ExitCode.OK if found.is_healthy else ExitCode.CONFIGURATION


class _Examiner:
    """Goes from check to check; what one opened serves the next."""

    def __init__(self, started: ExitStack) -> None:
        self._started = started
        self._checks: list[Check] = []

    def examine(self, overrides: Mapping[str, Any]) -> list[Check]:
        settings = self._settings(overrides)
        engine = None if settings is None else self._database(settings)
        is_migrated = engine is not None and settings is not None and self._migrations(engine, settings)
        found = None if settings is None else self._cloud(settings)
        if settings is None:
            self._skip("database", "migrations", "cloud", "key", "permissions", "clock")
        self._binding(engine if is_migrated else None, found)
        return self._checks

    def _settings(self, overrides: Mapping[str, Any]) -> Settings | None:
        def read() -> tuple[str, Settings]:
            settings = settings_module.load(**overrides)
            # A cloud that cannot be taken apart shows here, not at the first call.
            cloud = settings.cloud
            return f"{settings.environment.value}, {cloud.cloud_name if cloud else 'emulator'}", settings

        return self._check("settings", read)

    def _database(self, settings: Settings) -> Engine | None:
        def connect() -> tuple[str, Engine]:
            url = self._started.enter_context(embedded.database(settings))
            live = settings.model_copy(update={"database_url": SecretStr(url)})
            engine = self._started.enter_context(local.database(live))
            with read_only(engine) as connection:
                version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
            place = f"embedded in {settings.home}" if settings.database_url is None else f"at {place_of(engine.url)}"
            return f"Postgres {version} {place}", engine

        engine = self._check("database", connect)
        if engine is None:
            self._skip("migrations")
        return engine

    def _migrations(self, engine: Engine, settings: Settings) -> bool:
        def compare() -> tuple[str, bool]:
            found = migrate.status(engine)
            if found.pending and not found.drifted and settings.database_url is None:
                return f"{len(found.pending)} pending; the next sync applies them", False
            migrate.require_current(engine)
            return f"{len(found.applied)} applied, none pending", True

        return bool(self._check("migrations", compare))

    def _cloud(self, settings: Settings) -> CloudIdentity | None:
        live = self._check("cloud", lambda: self._start_cloud(settings))
        if live is None:
            self._skip("key", "permissions", "clock")
            return None
        # Not before: the SDK reads CLOUDINARY_URL when it is imported, and a bad one is the first check's to tell.
        from media_pipeline.remote.client import CloudinaryClient
        from media_pipeline.remote.identity import identify
        from media_pipeline.remote.key_report import describe_key

        client = self._started.enter_context(
            CloudinaryClient(
                local.credentials(live),
                settings=live,
                budget=UnlimitedBudget(),
                refuse_emulator=live.environment is Environment.PRODUCTION,
            )
        )

        def describe() -> tuple[str, KeyReport]:
            report = describe_key(client)
            if not report.is_accepted:
                raise ConfigurationError(
                    f"{report.cloud_name} refuses the key: {report.detail}",
                    hint="Compare cloud name, API key and secret in CLOUDINARY_URL with the Cloudinary console.",
                )
            return f"accepted by {report.cloud_name}", report

        report = self._check("key", describe)
        if report is None:
            self._skip("permissions", "clock")
            return None
        self._check("permissions", lambda: _permissions(report))
        skew_seconds = report.clock_skew_seconds
        if skew_seconds is None:
            self._checks.append(Check("clock", Outcome.SKIPPED, "the answers carry no time"))
        else:
            self._check("clock", lambda: _clock(skew_seconds))
        try:
            return identify(client)
        except RemoteError:
            return None

    def _start_cloud(self, settings: Settings) -> tuple[str, Settings]:
        if settings.cloud is not None:
            return f"{settings.cloud.cloud_name} at {settings.cloud.upload_prefix}", settings
        endpoints = self._started.enter_context(shared_emulator(settings.home, port=settings.emulator_port))
        live = settings.model_copy(update={"cloudinary_url": SecretStr(endpoints.cloudinary_url)})
        return f"emulator {endpoints.cloud_name}; set CLOUDINARY_URL to mirror a real cloud", live

    def _binding(self, engine: Engine | None, found: CloudIdentity | None) -> None:
        if engine is None or found is None:
            self._skip("binding", because="it needs a migrated database and a cloud that answers")
            return

        def compare() -> tuple[str, bool]:
            with read_only(engine) as connection:
                bound = binding.read(connection)
            binding.require(bound, found)
            return (f"this database belongs to {bound}" if bound else f"the first sync binds it to {found}"), True

        self._check("binding", compare)

    def _check(self, name: str, examine: Callable[[], tuple[str, _Found]]) -> _Found | None:
        try:
            finding, result = examine()
        except MediaPipelineError as error:
            self._checks.append(Check(name, Outcome.FAILED, str(error), error.hint or "docs/cli.md says more."))
        except SQLAlchemyError as error:
            self._checks.append(
                Check(name, Outcome.FAILED, mask(str(error).splitlines()[0]), "Give the database's user this right.")
            )
        else:
            self._checks.append(Check(name, Outcome.PASSED, finding))
            return result
        return None

    def _skip(self, *names: str, because: str = "an earlier check has to pass first") -> None:
        self._checks += [Check(name, Outcome.SKIPPED, because) for name in names]


def _permissions(report: KeyReport) -> tuple[str, bool]:
    if report.lacking:
        raise ConfigurationError(
            f"The key lacks: {', '.join(sorted(set(report.lacking)))}.",
            hint="Give it these permissions in the Cloudinary console; a mirror only reads.",
        )
    unknown = [f"{one.permission} ({one.detail})" for one in report.permissions if one.is_granted is None]
    if unknown:
        raise ConfigurationError(
            f"It could not be found out whether the key has: {', '.join(unknown)}.", hint="Run this again later."
        )
    return ", ".join(one.permission for one in report.permissions), True


def _clock(skew_seconds: float) -> tuple[str, bool]:
    if abs(skew_seconds) > _SKEW_LIMIT_SECONDS:
        direction = "ahead of" if skew_seconds > 0 else "behind"
        raise ConfigurationError(
            f"This machine's clock is {abs(skew_seconds):.0f} s {direction} Cloudinary's.",
            hint="Set the clock, best by a time service (NTP): signatures of uploads and log entries depend on it.",
        )
    return f"within {_SKEW_LIMIT_SECONDS} s of Cloudinary's", True


def _show(found: Examination, console: Console) -> None:
    styles = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.SKIPPED: "dim"}
    for check in found.checks:
        console.print(f"[{styles[check.outcome]}]{check.outcome.value:<8}[/] {check.name:<12} {escape(check.finding)}")
        if check.advice:
            console.print(f"{'':<21} → {check.advice}", markup=False)
    failed = sum(check.outcome is Outcome.FAILED for check in found.checks)
    console.print("All is well." if found.is_healthy else f"{screen.plural(failed, 'check')} failed.", style="bold")
