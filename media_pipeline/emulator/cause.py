"""The call behind a change: who made it, under which id, and where it wants its notification.

Belongs here: what a change knows of its call beside the parameters. Not here: notifications, see notices.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from media_pipeline.emulator.naming import random_hex
from media_pipeline.emulator.params import Params


@dataclass(frozen=True, slots=True)
class Cause:
    """One call.

    Attributes:
        notification_url: Where the call wants its notification in place of the global recipients.
        eager_notification_url: The same for what is derived.
        delete_limit: Assets a fault lets the call delete.
        batch_id: The caller's own id for what comes of the call, or a random one.
        console_user: Who makes the change in Cloudinary's console; None for a call of the API.
    """

    request_id: str = field(default_factory=random_hex)
    notification_url: str | None = None
    eager_notification_url: str | None = None
    batch_id: str = field(default_factory=random_hex)
    delete_limit: int | None = None
    console_user: str | None = None


_CAUSE: ContextVar[Cause] = ContextVar("cause")


def enter(request_id: str, params: Params, *, delete_limit: int | None = None, console_user: str | None = None) -> None:
    """Note the call that everything in this context happens for."""
    _CAUSE.set(Cause(request_id, delete_limit=delete_limit, console_user=console_user))
    follow(params)


def follow(params: Params) -> None:
    """Let the call under way go on with these parameters, for example those of a preset."""
    _CAUSE.set(
        replace(
            current(),
            notification_url=params.text("notification_url"),
            eager_notification_url=params.text("eager_notification_url"),
            batch_id=params.text("batch_id") or random_hex(),
        )
    )


def current() -> Cause:
    """The call under way; a nameless one outside of calls."""
    cause = _CAUSE.get(None)
    return Cause() if cause is None else cause
