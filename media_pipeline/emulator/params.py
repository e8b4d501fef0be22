"""Request parameters, whatever way they came: query text, JSON, form fields, ``name[]`` lists.

Belongs here: decoding and typed reading with Cloudinary's refusals. Not here: what a parameter means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from media_pipeline.emulator.errors import bad_request, invalid_value, missing

_TRUE = frozenset({"1", "true", "yes"})


class Params:
    """Named values of one request; a null is the same as absence."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = {name: value for name, value in values.items() if value is not None}

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[str, str]]) -> Params:
        """From query or form pairs; ``name[]`` collects a list."""
        values: dict[str, object] = {}
        for name, value in pairs:
            if name.endswith("]") and "[" in name:
                members = values.setdefault(name[: name.index("[")], [])
                if isinstance(members, list):
                    members.append(value)
            else:
                values[name] = value
        return cls(values)

    @classmethod
    def of_json(cls, body: bytes) -> Params:
        """From a JSON object.

        Raises:
            ApiError: 400 for any other body.
        """
        try:
            values = msgspec.json.decode(body, type=dict[str, object])
        except msgspec.DecodeError:
            raise bad_request("The body is not a JSON object") from None
        return cls(values)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __getitem__(self, name: str) -> object:
        return self.values[name]

    def text(self, name: str) -> str | None:
        """The value as text; None if absent or empty."""
        value = self.values.get(name)
        if value is None or isinstance(value, (list, dict)):
            return None
        return ("1" if value else "0") if isinstance(value, bool) else str(value) or None

    def required(self, name: str) -> str:
        """The value as text.

        Raises:
            ApiError: 400 if it is absent or empty.
        """
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value; ``1``, ``true`` and ``yes`` are true."""
        value = self.text(name)
        return default if value is None else value.lower() in _TRUE

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number; beyond `high` it is `high`, as Cloudinary caps page sizes."""
        value = self.text(name)
        if value is None:
            return default
        try:
            number = int(value)
        except ValueError:
            raise invalid_value(value, name) from None
        if number < low:
            raise invalid_value(value, name)
        return min(number, high)

    def strings(self, name: str, split: bool = False) -> list[str]:
        """A list of texts; a lone text counts as one member, or as several with `split` (at commas)."""
        value = self.values.get(name)
        if value is None or value == "":
            return []
        if isinstance(value, list):
            return [str(item) for item in value]
        return [part.strip() for part in str(value).split(",")] if split else [str(value)]

    def required_strings(self, name: str, limit: int, split: bool = False) -> list[str]:
        """A list that is not empty and not longer than `limit`.

        Raises:
            ApiError: 400 if it is.
        """
        values = self.strings(name, split)
        if not values:
            raise missing(name)
        if len(values) > limit:
            raise bad_request(f"Too many {name}: {len(values)}, at most {limit} in one call")
        return values

    def signable(self) -> dict[str, str | list[str]]:
        """The texts as received, for checking a signature."""
        return {
            name: [str(item) for item in value] if isinstance(value, list) else str(value)
            for name, value in self.values.items()
        }
