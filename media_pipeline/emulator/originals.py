"""Stored bytes, content-addressed: one file for equal bytes, however many assets have them.

Belongs here: receiving, finding and dropping files. Not here: what an asset is.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes that are on disk: their SHA-256 name, MD5 (Cloudinary's etag) and length."""

    digest: str
    etag: str
    size_bytes: int
    path: Path


class Originals:
    """A directory of files named by their SHA-256."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the file with a digest is, or would be."""
        return self._directory / digest[:2] / digest

    def receive(self, source: BinaryIO) -> StoredFile:
        """Copy a stream to disk."""
        return self.store(iter(lambda: source.read(_CHUNK_BYTES), b""))

    def store(self, chunks: Iterable[bytes]) -> StoredFile:
        """Write bytes to disk; the file appears under its name only when it is whole."""
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        arriving = self._directory / f"arriving-{secrets.token_hex(8)}"
        try:
            with arriving.open("wb") as target:
                for chunk in chunks:
                    sha256.update(chunk)
                    md5.update(chunk)
                    size += len(chunk)
                    target.write(chunk)
            path = self.path(sha256.hexdigest())
            path.parent.mkdir(exist_ok=True)
            arriving.replace(path)
        finally:
            arriving.unlink(missing_ok=True)
        return StoredFile(sha256.hexdigest(), md5.hexdigest(), size, path)

    def sweep(self, keep: Collection[str]) -> None:
        """Remove files that nothing refers to; only safe while no upload is under way."""
        for path in self._directory.glob("*/*"):
            if path.name not in keep:
                path.unlink(missing_ok=True)
