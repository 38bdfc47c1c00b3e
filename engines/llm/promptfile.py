"""The state of one prompt in a file of the data folder: what it was computed with, its tokens, and the cache's bytes.

The library's own `llama_state_seq_save_file` writes in place, and carries neither a checksum nor what model and
settings it is of; here the file is whole or not there, and anything odd about it reads as "none".
"""

from __future__ import annotations

import os
import struct
import tempfile
import time
import zlib
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

_MAGIC = b"engineroom prompt 1\n"
_HEAD = struct.Struct("<16sIIQ")
"""Digest of what it is of, checksum of all that follows, number of tokens, bytes of the state."""
_DIGEST_BYTES = 16
FILES = 32
"""So many are kept, the last used ones,"""
FOLDER_BYTES = 2**30
"""of together at most so many bytes."""
_HALF_WRITTEN_SECONDS = 3600.0
"""A file that nobody finished for so long is a dead process's."""


@dataclass(frozen=True)
class PromptFile:
    """One prompt's place in a folder. `of` says what a state depends on besides the tokens: model, library, cache."""

    folder: Path
    of: str
    tokens: Sequence[int]

    @property
    def path(self) -> Path:
        """Its name is the digest of all that it depends on."""
        return self.folder / f"{self._digest().hex()}.state"

    def read(self) -> bytearray | None:
        """The state; None where there is none, or none that is whole and of these tokens."""
        path = self.path
        try:
            with path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    return None
                digest, checksum, count, size = _HEAD.unpack(file.read(_HEAD.size))
                whole = len(_MAGIC) + _HEAD.size + 4 * count + size == os.fstat(file.fileno()).st_size
                if not whole or digest != self._digest() or count != len(self.tokens):
                    return None
                tokens = file.read(4 * count)
                state = bytearray(size)
                if file.readinto(state) != size:
                    return None
            if tokens != _packed(self.tokens) or zlib.crc32(state, zlib.crc32(tokens)) != checksum:
                return None
            os.utime(path)
        except (OSError, struct.error):
            return None
        return state

    def write(self, state: bytearray) -> None:
        """Keep it, in place of what is there; not synced, because a file that a power cut spoiled is seen as such.

        Raises:
            OSError
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tokens = _packed(self.tokens)
        checksum = zlib.crc32(state, zlib.crc32(tokens))
        descriptor, part = tempfile.mkstemp(suffix=".part", dir=self.folder)
        try:
            with open(descriptor, "wb") as file:
                file.write(_MAGIC + _HEAD.pack(self._digest(), checksum, len(self.tokens), len(state)))
                file.write(tokens)
                file.write(state)
            os.replace(part, self.path)
        except BaseException:
            os.unlink(part)
            raise

    def _digest(self) -> bytes:
        return blake2b(self.of.encode() + b"\0" + _packed(self.tokens), digest_size=_DIGEST_BYTES).digest()


def prune(folder: Path, *, files: int = FILES, size: int = FOLDER_BYTES) -> None:
    """Remove what is over the limits, the longest unused first, and what nobody finished."""
    found: list[tuple[float, int, Path]] = []
    for path in folder.glob("*.state"):
        with suppress(OSError):  # another process prunes the same folder
            told = path.stat()
            found.append((told.st_mtime, told.st_size, path))
    count = held = 0
    for _, of_one, path in sorted(found, reverse=True):
        if count == files or held + of_one > size:
            path.unlink(missing_ok=True)
        else:
            count, held = count + 1, held + of_one
    for path in folder.glob("*.part"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _HALF_WRITTEN_SECONDS:
                path.unlink()


def _packed(tokens: Sequence[int]) -> bytes:
    return array("i", tokens).tobytes()
