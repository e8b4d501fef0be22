"""What an address of the two APIs is, and the short ways from a call to the function behind it.

Belongs here: the form of one entry of the route tables. Not here: the tables, see admin_routes and upload_routes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from starlette.exceptions import HTTPException

from media_pipeline.emulator.calls import Access, Answer, Call, Handler


class Level(StrEnum):
    """How much of a call is emulated."""

    DONE = "done"
    KEPT = "kept, without effect"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Address:
    """One entry of a route table.

    Attributes:
        methods: HTTP methods, separated by ``|``.
        path: Behind ``/v1_1/{cloud}``, with parts in braces.
        access: Who may call it; matters for the Upload API only.
        level: What docs/emulator.md says of it.
    """

    methods: str
    path: str
    handler: Handler
    access: Access = Access.SIGNED
    level: Level = Level.DONE


def on(function: Callable[..., Answer], *parts: str) -> Handler:
    """A handler for a function of library, parameters and parts of the address."""

    def handler(call: Call) -> Answer:
        return function(call.emulator.library, call.params, *(call.path[part] for part in parts))

    return handler


def of_library(function: Callable[..., Answer], *parts: str) -> Handler:
    """A handler for a function of library and parts of the address."""

    def handler(call: Call) -> Answer:
        return function(call.emulator.library, *(call.path[part] for part in parts))

    return handler


def dynamic_only(handler: Handler) -> Handler:
    """A handler of dynamic folder mode; in fixed mode its address does not exist."""

    def checked(call: Call) -> Answer:
        if call.emulator.config.folder_mode != "dynamic":
            raise HTTPException(404)
        return handler(call)

    return checked
