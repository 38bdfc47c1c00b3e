"""A person's `engineroom say`, the whole command: with no engine up, with one that is ready, and again and again.

A real room with the miniature, or with the full size. It plays when all is made: the first sound is the whole sentence.
"""

from __future__ import annotations

import json
import time

from bench import table
from bench.room import Room, open_room
from bench.tts.case import Bench, Model, median
from ipc.places import DATA

ENGINE = "voice"
WARM = 5


def show(bench: Bench, model: Model) -> None:
    """Measure, print the table."""
    gpu = "" if bench.device == "cuda" else 'gpu = "cpu"\n'
    config = (
        f'[engine.{ENGINE}]\nkind = "tts"\npython = {json.dumps(bench.python)}\n'
        f"model = {json.dumps(str(model.folder))}\n{gpu}attempts = 0\nreference_seconds = 3\nunload_after = 0\n"
    )
    variables = {"OMP_NUM_THREADS": "1", DATA: str(bench.folder / "data")}
    (text,) = model.texts(1)
    with open_room(config, variables) as room:
        room.run("status")
        cold = _say(room, text)
        warm = [_say(room, text) for _ in range(1 if model.full else WARM)]
    print(f"\n{model.name}: a sentence of {model.tokens / 25:g} s, from the command to its end.")
    table.head(("engineroom say", "s"))
    table.line("no engine up: started, loaded, measured", table.number(cold, 2))
    table.line("engine ready", table.number(median(warm), 2))


def _say(room: Room, text: str) -> float:
    began = time.perf_counter()
    room.run("say", ENGINE, text, "-o", "said.flac", "--force")
    return time.perf_counter() - began
