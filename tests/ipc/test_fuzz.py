"""Whatever one connection sends, however split, the session ends cleanly and another client's work goes on."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from wires import Countless, rest_of, served

from ipc import control
from ipc.client import connect_unix
from ipc.envelopes import Cancel, More, Request
from ipc.frames import frame
from ipc.handshake import hello
from ipc.sockets import dial

Packed = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
TAGS = ("request", "cancel", "more", "reply", "hello", "refusal", "watch", "ps", "start", "set", "submit", "ask")


def packed(value: Any) -> bytes:
    return frame(msgspec.msgpack.encode(value))


IDS = st.integers(0, 3)
VALID = st.one_of(
    st.builds(Request, IDS, st.sampled_from([control.Ps(), control.Watch(), control.Start("never"), control.Down()])),
    st.builds(Cancel, IDS),
    st.builds(More, IDS, st.integers(-1, 300)),
    st.builds(hello, st.just("client"), st.integers(0, 2)),
).map(packed)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid frame with a few bytes changed."""
    damaged = bytearray(draw(VALID))
    for _ in range(draw(st.integers(1, 3))):
        damaged[draw(st.integers(0, len(damaged) - 1))] = draw(st.integers(0, 255))
    return bytes(damaged)


TAGGED = st.builds(lambda tag, rest: packed([tag, *rest]), st.sampled_from(TAGS), st.lists(Packed, max_size=5))
ANYTHING = st.lists(st.one_of(VALID, VALID, mutated(), TAGGED, Packed.map(packed), st.binary(max_size=40)), max_size=8)


def greeting(version: int) -> bytes:
    return packed(hello("client", version))


@settings(max_examples=150, deadline=None)
@given(
    first=st.sampled_from([b"", greeting(control.VERSION), greeting(control.VERSION), greeting(99)]),
    parts=ANYTHING,
    cuts=st.lists(st.integers(1, 64), max_size=20),
    eof=st.booleans(),
)
def test_no_bytes_disturb_another_client(first: bytes, parts: list[bytes], cuts: list[int], eof: bool) -> None:
    async def attack(path: Path) -> None:
        service = Countless()
        async with served(service, path), connect_unix(path) as good, good.stream(control.Watch()) as updates:
            async with await dial(path) as bad:
                wire = first + b"".join(parts)
                with suppress(anyio.BrokenResourceError):
                    for cut in cuts:
                        await bad.send(wire[:cut])
                        wire = wire[cut:]
                        await good.ask(control.Start("meanwhile"))
                    await bad.send(wire)
                    if eof:
                        await bad.send_eof()
                        await rest_of(bad)
            with anyio.fail_after(10):
                while not service.ends:
                    assert await good.ask(control.Start("still")) == control.Done("still")
                    await anext(updates)
            assert service.waiting == 0

    with tempfile.TemporaryDirectory() as folder:
        anyio.run(attack, Path(folder) / "socket")
