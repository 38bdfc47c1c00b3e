"""Speech on cards with little memory: as many chunks together as fit, and fewer when that was too much after all."""

from __future__ import annotations

from pathlib import Path

import pytest
from book_kit import story
from ledger_kit import GIB, MIB, card, open_box
from room_kit import wait_for
from speaking_kit import speaking
from speech_kit import with_speech
from spoken_kit import covers, kept

from engines.tts.checkpoint import Checkpoint
from engines.tts.estimate import gpu_bytes, need
from engines.tts.settings import TtsSettings

pytest_plugins = ["speech_room_fixtures"]
pytestmark = pytest.mark.timeout(240)

FULL = "[memory]\nmedium = 0.997\nhigh = 0.998\ncritical = 0.999\n"
"""A miniature takes little: the card is nearly full before it comes."""
RESERVE = 256 * MIB
"""What the ledger keeps free on each GPU."""


def takes(folder: Path, together: int) -> int:
    """Bytes on a card with so many chunks together."""
    settings = TtsSettings(model=str(folder), parallel=together, reference_seconds=1.0)
    return gpu_bytes(need(Checkpoint(folder, "english"), settings, on_gpu=True))


def eight(free: int) -> dict[str, object]:
    """A card of 8 GB on which so many bytes are free."""
    return card(0, 8, memory_other=8 * GIB - free)


def test_as_many_chunks_as_fit_an_eight_gigabyte_card_and_fewer_when_another_took_it(
    checkpoints: Path, tmp_path: Path
) -> None:
    checkpoint, book = checkpoints / "quick", story(150, 1)
    config = speaking("voice", checkpoint, parallel=0, gpu="auto") + FULL
    one, two, four = (takes(checkpoint, together) for together in (1, 2, 4))
    spare = (two - one) // 2
    assert one + spare < two < two + spare < four
    environ = {"ENGINEROOM_DATA": str(with_speech(tmp_path / "data")), "OMP_NUM_THREADS": "1"}
    with open_box(config, eight(RESERVE + two + spare), environ=environ) as box:
        room = box.room
        source, output = book.write(room.work / "book.txt"), room.work / "book.wav"
        job = room.submit("tts", str(source), "-o", str(output))
        wait_for(lambda: room.engine("voice")["chosen"] == "2 together", "it is placed")
        box.show(eight(one + spare))  # while the libraries are imported, which takes seconds, somebody else came
        assert box.await_told("stepped-down", "voice").endswith("ran out of memory and goes on with parallel = 1")
        box.await_job(job, "done")
        row = room.engine("voice")
        assert (row["parallel"], row["restarts"]) == (1, 0)
        covers(kept(room.state, job), book.sentences, book.lengths())
