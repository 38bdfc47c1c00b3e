"""A program that listens: sound in, lines out, wherever the wire cuts them, and what is left when the engine dies."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import msgspec
import pytest
from wires import NO, Countless, served

from ipc import control
from ipc.client import Client, connect_unix
from ipc.errors import EngineDied, RequestFailed
from ipc.feeding import Fed
from ipc.hearing import Listened, Live

pytestmark = pytest.mark.anyio
LINES = (Live(0.5, " one", "two"), Live(0.9, "", "too"), Live(1.3, " two", ended=True))
TEXT = "".join(msgspec.json.encode(line).decode() + "\n" for line in LINES)
HEARD = Listened(" one two", 1.3, 2, "en", "miniature int8")


class Ears(Countless):
    """Answers a wish with those lines, cut where the engine's name says."""

    def __init__(self) -> None:
        super().__init__()
        self.wishes: list[str] = []
        self.fed = b""

    async def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        assert isinstance(command, control.Ask)
        self.wishes.append(command.payload)
        if command.engine == "mute":
            return
        async for data in self._eaten(fed):
            self.fed += data
        size = int(command.engine.rpartition("-")[2])
        for begin in range(0, len(TEXT), size):
            yield control.Piece(TEXT[begin : begin + size])
        if command.engine.startswith("dies"):
            raise EngineDied(NO, TEXT)
        yield control.Answered(msgspec.json.encode(HEARD).decode(), 2, 0.1, None)


@pytest.fixture
def service() -> Ears:
    return Ears()


@pytest.fixture
async def client(service: Ears, tmp_path: Path) -> AsyncGenerator[Client]:
    async with served(service, tmp_path / "socket"), connect_unix(tmp_path / "socket") as connected:
        yield connected


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_lines_come_whole_wherever_they_were_cut_and_the_answer_last(
    client: Client, service: Ears, size: int
) -> None:
    async with client.listen(f"ears-{size}", language="fr", prompt="Before.") as listening:
        await listening.feed(b"\1\0" * 1000)
        listening.end()
        assert listening.result is None
        assert [line async for line in listening] == list(LINES)
        assert listening.result == HEARD
        assert listening.text == " one two"
    assert service.fed == b"\1\0" * 1000
    assert msgspec.json.decode(service.wishes[0]) == {"language": "fr", "prompt": "Before."}


async def test_a_death_leaves_what_was_committed_and_no_json(client: Client) -> None:
    async with client.listen("dies-40") as listening:
        listening.end()
        with pytest.raises(EngineDied) as died:
            async for _ in listening:
                pass
    assert died.value.text == " one two"


async def test_an_end_without_an_answer_is_said(client: Client) -> None:
    async with client.listen("mute") as listening:
        with pytest.raises(RequestFailed, match="mute ended without an answer"):
            await anext(listening)
