"""The kept vectors in a file over restarts: written in one stroke, and trusted only if it is as it was written.

A line of JSON, then keys, tokens, uses, ages and vectors as raw little-endian numbers, then a digest of all before it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from engines.embed.cache import KEY_BYTES, VectorCache

VERSION = 1
_DIGEST_BYTES = 32


class _Head(Struct, frozen=True):
    version: int
    identity: str
    dimensions: int
    count: int


def write(path: Path, identity: str, cache: VectorCache) -> None:
    """Replace the file; `identity` says what made the vectors. Raises OSError."""
    vectors, tokens, uses, ages = cache.kept()
    head = msgspec.json.encode(_Head(VERSION, identity, cache.dimensions, len(cache)))
    pieces = (
        head + b"\n",
        b"".join(cache.keys()),
        tokens.astype("<i4").tobytes(),
        uses.astype("<f8").tobytes(),
        ages.astype("<f8").tobytes(),
        vectors.astype("<f2").tobytes(),
    )
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # Vectors tell a lot of the texts they were made of.
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def read(path: Path, identity: str, cache: VectorCache) -> str:
    """Fill the cache from the file; why it was not, in words, or empty. A missing file is no reason.

    Vectors of another model are none of ours: nothing is taken, and nothing is said.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path}: {error.strerror}"
    body, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest() != digest:
        return f"{path} is damaged"
    line, _, rest = body.partition(b"\n")
    try:
        head = msgspec.json.decode(line, type=_Head)
    except msgspec.MsgspecError:  # of another version
        return ""
    if (head.version, head.identity, head.dimensions) != (VERSION, identity, cache.dimensions):
        return ""
    count, at = head.count, KEY_BYTES * head.count
    keys = [rest[begin : begin + KEY_BYTES] for begin in range(0, at, KEY_BYTES)]
    tokens = np.frombuffer(rest, "<i4", count, at)
    uses = np.frombuffer(rest, "<f8", count, at + 4 * count)
    ages = np.frombuffer(rest, "<f8", count, at + 12 * count)
    vectors = np.frombuffer(rest, "<f2", count * cache.dimensions, at + 20 * count).reshape(count, -1)
    cache.restore(
        keys, vectors.astype(np.float16), tokens.astype(np.int32), uses.astype(np.float64), ages.astype(np.float64)
    )
    return ""
