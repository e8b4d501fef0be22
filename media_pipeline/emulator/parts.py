"""Uploads in parts: bytes of one file that come in several requests under one upload id.

Belongs here: putting the parts together. Not here: what becomes of the whole, see uploads.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from media_pipeline.emulator.errors import bad_request

_MINIMUM_BYTES = 5 * 1024 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|-1|\*)")


@dataclass(frozen=True, slots=True)
class Span:
    """Where a part belongs: its first and last byte, and the length of the whole if it is known."""

    first: int
    last: int
    total: int | None

    @classmethod
    def parse(cls, header: str) -> Self:
        """Read ``Content-Range``; a total of ``-1`` is unknown.

        Raises:
            ApiError: 400 for a header of another form.
        """
        found = _RANGE.fullmatch(header.strip())
        if not found or int(found[1]) > int(found[2]):
            raise bad_request(f"Invalid Content-Range: {header}")
        return cls(int(found[1]), int(found[2]), int(found[3]) if found[3].isdigit() else None)

    @property
    def is_final(self) -> bool:
        """Whether the whole ends with this part."""
        return self.total is not None and self.last + 1 >= self.total


class Parts:
    """A directory of unfinished files; a restart of the emulator forgets them."""

    def __init__(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        self._directory = directory

    def add(self, upload_id: str, span: Span, source: BinaryIO) -> Path | None:
        """Put a part in its place; a repeated one replaces itself. The path of the file once it is whole.

        Raises:
            ApiError: 400 for a part that is too small, of another length than announced, or before its time.
        """
        size = source.seek(0, 2)
        source.seek(0)
        if size != span.last - span.first + 1:
            raise bad_request(f"Invalid Content-Range: the part has {size} bytes")
        if size < _MINIMUM_BYTES and not span.is_final:
            raise bad_request("All parts except EOF-chunk must be larger than 5mb")
        path = self._directory / hashlib.sha256(upload_id.encode()).hexdigest()
        path.touch()
        with path.open("r+b") as target:
            if target.seek(0, 2) < span.first:
                raise bad_request(f"A part before byte {span.first} is missing")
            target.seek(span.first)
            target.truncate()
            shutil.copyfileobj(source, target)
        return path if span.is_final else None
