"""Memory: what was freed goes back to the system, and growth is measured."""

from __future__ import annotations

import ctypes

from engines.memory import Growth, give_back

MIB = 2**20


def test_what_the_c_allocator_keeps_is_given_back() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    give_back()  # else what earlier tests left free would be taken without growth
    growth = Growth()
    pieces = [libc.malloc(16 * 1024) for _ in range(4096)]
    for piece in pieces:
        ctypes.memset(piece, 1, 16 * 1024)
    assert growth.bytes() > 60 * MIB
    for piece in pieces[:-1]:  # the last one pins the top of the heap
        libc.free(piece)
    assert growth.bytes() > 60 * MIB
    give_back()
    assert growth.bytes() < 8 * MIB
    libc.free(pieces[-1])


def test_growth_is_never_negative() -> None:
    held = bytearray(b"\x01") * (32 * MIB)
    growth = Growth()
    del held
    assert growth.bytes() == 0
