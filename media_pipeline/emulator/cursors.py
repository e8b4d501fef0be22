"""Opaque cursors: a position in an order, sealed to the query it belongs to.

Belongs here: sealing and opening. Not here: what a position means, see listing, search and folders.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from media_pipeline.emulator.errors import invalid_value

_SEAL_BYTES = 12
# Paging itself may vary between the pages of one query.
_PAGING = frozenset({"next_cursor", "max_results"})

# A position before the first row of lists in descending order of row numbers: SQLite gives none as high.
NEWEST = 2**63 - 1

Part = str | int | float | None


class Cursors:
    """Cursors of one query; those of any other query are refused."""

    def __init__(self, secret: str, route: str, parameters: Mapping[str, object]) -> None:
        query = {name: value for name, value in parameters.items() if name not in _PAGING}
        self._key = secret.encode()
        self._query = msgspec.json.encode([route, sorted(query.items(), key=lambda item: item[0])])

    def seal(self, *position: Part) -> str:
        """The cursor for a position: lower-case hex."""
        packed = msgspec.msgpack.encode(position)
        return (self._seal(packed) + packed).hex()

    def open(self, cursor: str | None) -> tuple[Part, ...] | None:
        """The position in a cursor, or None without a cursor.

        Raises:
            ApiError: 400 if the cursor is not one of this query's.
        """
        if not cursor:
            return None
        try:
            sealed = bytes.fromhex(cursor)
            packed = sealed[_SEAL_BYTES:]
            if not hmac.compare_digest(sealed[:_SEAL_BYTES], self._seal(packed)):
                raise ValueError("the cursor belongs to another query")
            position = msgspec.msgpack.decode(packed, type=tuple[Part, ...])
        except ValueError:
            raise invalid_value(cursor, "next_cursor") from None
        return position

    def _seal(self, packed: bytes) -> bytes:
        return hashlib.blake2b(self._query + packed, key=self._key, digest_size=_SEAL_BYTES).digest()
