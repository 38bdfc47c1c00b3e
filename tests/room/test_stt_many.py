"""One phrase again and again, and many different ones: each is answered soon, and no memory is lost on the way.

Thirty of each here; `bench.stt` asks a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio
import psutil
import pytest

from bench.figures import percentile
from bench.job import processes_of
from bench.room import Room
from bench.stt.ours import ENGINE, Heard, hear, open_ears
from bench.stt.phrases import Phrase, phrases
from engines.stt.miniature.wrong_words import error_share
from ipc.client import connect_unix

COUNT = 30
SETTLED = 20
"""Jobs until every part has been used."""
MIB = 2**20


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with open_ears({"gpu": "cpu", "quantization": "int8"}, tmp_path_factory.mktemp("ears")) as opened:
        yield opened


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[Phrase]:
    return phrases(tmp_path_factory.mktemp("phrases"), COUNT)


async def asked(room: Room, some: list[Phrase], name: str) -> tuple[list[Heard], list[dict[str, int]]]:
    """One after the other; and the memory of each process after each."""
    heard, memory = [], []
    async with connect_unix(room.socket) as client:
        for number, one in enumerate(some):
            heard.append(await hear(room, client, one.path, Path(room.work / f"{name}-{number}.txt")))
            held = {role: psutil.Process(pid).memory_info().rss for role, pid in processes_of(room, ENGINE).items()}
            memory.append(held)
    return heard, memory


def test_one_phrase_again_and_again_is_answered_alike_and_takes_no_more_memory(room: Room, said: list[Phrase]) -> None:
    heard, memory = anyio.run(partial(asked, room, [said[0]] * COUNT, "again"))
    assert len({one.text for one in heard}) == 1
    for role in ("engine", "desk", "supervisor"):
        assert memory[-1][role] - memory[SETTLED][role] < 4 * MIB, role
    assert percentile([one.seconds for one in heard], 95) <= 2


def test_different_phrases_are_answered_soon(room: Room, said: list[Phrase]) -> None:
    heard, _ = anyio.run(partial(asked, room, said, "different"))
    assert len(heard) == COUNT
    assert error_share((one.words, answer.text) for one, answer in zip(said, heard, strict=True)) <= 0.04
    assert percentile([one.seconds for one in heard], 95) <= 2
