"""The right words through a whole room, in int8 and in float32: of what comes along, and of what was said just now."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hearing_kit import Hearing, listening, open_hearing

from bench.stt.sounds import Utterance, of, utterances, write
from engines.stt.miniature.speech import installed, phrases
from engines.stt.miniature.words import HELD_OUT, VOICES
from engines.stt.miniature.wrong_words import error_share

FRESH = 16
SETS = ["bundled", *(["heard before", "never heard"] if installed() else [])]
"""Of voices that the miniature learned from, and of others: where espeak-ng is here to say them."""
_SEED = 5_000_000
"""Far from those of the recipe."""


@pytest.fixture(scope="module")
def room() -> Iterator[Hearing]:
    """One for all tests here: none of them leaves it otherwise than it was."""
    config = listening("int8", quantization="int8", beam_size=1) + listening("float32", quantization="float32")
    with open_hearing(config) as opened:
        yield opened


def drawn(name: str) -> list[Utterance]:
    if name == "bundled":
        return utterances()
    return of(phrases(FRESH, _SEED, VOICES if name == "heard before" else HELD_OUT))


def share_of_errors(room: Hearing, engine: str, name: str) -> float:
    """Of a set, heard as a folder of recordings, one of them a phrase."""
    said = drawn(name)
    folder, output = room.room.work / name, room.room.work / f"{name} {engine}"
    folder.mkdir(exist_ok=True)
    for number, one in enumerate(said):
        write(folder / f"{number:02}.wav", one.samples)
    room.ended(room.submit(f"{output}/", folder, engine=engine))
    return error_share((one.text, (output / f"{number:02}.txt").read_text()) for number, one in enumerate(said))


@pytest.mark.parametrize("name", SETS)
def test_phrases_come_out_in_int8(room: Hearing, name: str) -> None:
    assert share_of_errors(room, "int8", name) <= 0.04


def test_phrases_come_out_in_float32(room: Hearing) -> None:
    assert share_of_errors(room, "float32", "bundled") <= 0.04
    assert room.room.engine("float32")["quantization"] == "float32"
