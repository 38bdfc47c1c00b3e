"""Where chance begins for each take of each chunk: a pure function, so that the same work sounds the same again."""

from __future__ import annotations

import hashlib

_BITS = 0x7FFFFFFF


def first(base: int, index: int, take: int, text: str) -> int:
    """Of a chunk of a job: with the same base each has its own, and another each time it is asked for anew."""
    return _drawn(base, index, take, text)


def again(seed: int, attempt: int) -> int:
    """Of a further take of the same chunk, or of a piece of it."""
    return seed if attempt == 0 else _drawn(seed, attempt)


def _drawn(*of: object) -> int:
    digest = hashlib.blake2b("\0".join(map(str, of)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") & _BITS
