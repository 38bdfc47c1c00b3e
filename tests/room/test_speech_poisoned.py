"""A GPU's context that an assert on the device has poisoned: only a new process cures it, and the job goes on in one.

On a CPU there is no such context: one module that the interpreter imports at its start plays it, in the engine alone.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from book_kit import story
from room_kit import wait_for
from speaking_kit import open_speaking, speaking
from spoken_kit import covers, kept

pytest_plugins = ["speech_room_fixtures"]
pytestmark = pytest.mark.timeout(240)

POISON = '''
"""From the first step on that finds the file POISON, every step of this process fails, as on a poisoned GPU."""

import os
import sys
from importlib.machinery import PathFinder

DECODER = "engines.tts.decode.decoder"


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != DECODER:
            return None
        spec = PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            poison(module.Decoder)

        spec.loader.exec_module = exec_module
        return spec


def poison(decoder):
    step, poisoned = decoder.step, []

    def poisoned_step(self):
        import torch

        try:
            os.rename(os.environ["POISON"], os.environ["POISON"] + ".drunk")
            poisoned.append(True)
        except FileNotFoundError:
            pass
        if poisoned:
            raise torch.AcceleratorError("CUDA error: device-side assert triggered")
        return step(self)

    decoder.step = poisoned_step


sys.meta_path.insert(0, Finder)
'''


def test_a_device_side_assert_ends_the_process_and_the_job_goes_on_in_a_new_one(
    checkpoints: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(POISON)
    poison = tmp_path / "poison"
    before = f'export PYTHONPATH="{tmp_path}:$PYTHONPATH" POISON="{poison}"'
    book = story(600, 1)
    with open_speaking(speaking("voice", checkpoints / "quick", parallel=2, cfg=0.0), before) as at:
        room, output = at.room, at.room.work / "book.wav"
        job = at.submit(book.write(room.work / "book.txt"), output)
        at.begun(job, 1)
        room.run("job", "pause", job)  # else a quick machine is done with it before the poison is there
        first = room.engine("voice")["pid"]
        poison.touch()
        room.run("job", "resume", job)
        wait_for(lambda: room.engine("voice")["pid"] not in (first, None), "another process", 60)
        assert not poison.exists()
        row = at.ended(job)
        assert (row["units_failed"], row["units_done"]) == (0, row["units_total"])
        covers(kept(room.state, job), book.sentences, book.lengths())
        assert room.engine("voice")["restarts"] == 1
        (died,) = [told["text"] for told in room.happenings() if told["word"] == "engine-died"]
        assert "device-side assert" in died
