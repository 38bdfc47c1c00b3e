"""On a GPU: a Whisper of the size of `small` with random weights. Without one it says so, and nothing is claimed.

Such a model writes nonsense up to the most tokens a window may have, the same number in each: what is measured is the
arithmetic, and the time a real model takes is shorter. No text is tried again. Seconds of work for one of audio, ours
and the library's; then how many bytes the process held on the card, and how many were free again after it was unloaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import anyio
import numpy as np

from bench import table
from bench.peer import peer
from bench.room import Room
from bench.stt.ours import ENGINE, Knobs, hear, open_ears, tune
from bench.stt.sounds import recording, write
from bench.stt.whole import Bench
from engines.stt.miniature.export import write_model
from engines.stt.miniature.shape import Shape
from engines.stt.miniature.tokenizer import END, build
from engines.stt.miniature.words import WORDS
from ipc.client import connect_unix

SMALL = {"width": 768, "heads": 12, "hidden": 3072, "encoder_layers": 12, "decoder_layers": 12}
VOCABULARY = 51864
"""As many as the English models have: one more would be a multilingual model."""
QUANTIZATIONS = ("float16", "int8_float16", "int8")
BATCHES = (1, 8, 16)
SECONDS = 120.0
WINDOW_SECONDS = 30
GIB = 2**30
_BELIEVED: Knobs = {"temperatures": "0", "most_compression": 10.0, "least_logprob": -10.0, "no_speech": 1.0}
_ASK = "import ctranslate2; print(ctranslate2.get_cuda_device_count())"
_FREED_SECONDS = 30.0
_LOUD = np.float32(10)
"""So much surer is it of a word than of a time or an end, that neither ever comes."""


def show(bench: Bench) -> None:
    """Measure, or say that nothing can be."""
    told = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=False).stdout.split()
    if told[-1:] in ([], ["0"]):
        print("\nUnproven: CTranslate2 sees no GPU here.")
        return
    measure(bench, write_random(bench.folder / "small", Shape(VOCABULARY, **SMALL)), "cuda", QUANTIZATIONS)


def measure(bench: Bench, model: Path, device: str, quantizations: tuple[str, ...], seconds: float = SECONDS) -> None:
    """A line for each quantization and batch."""
    source = write(bench.folder / "some.wav", recording(seconds).samples)
    warm = write(bench.folder / "warm.wav", recording(5).samples)
    table.head(
        ("computes in", "windows at once", "ours: s per s of audio", "library", "library / ours", "held GiB",
         "freed GiB")
    )  # fmt: skip
    for quantization in quantizations:
        knobs: Knobs = {"model": str(model), "quantization": quantization, **_BELIEVED}
        if device == "cpu":
            knobs["gpu"] = "cpu"
        with open_ears(knobs, bench.folder) as room:
            with peer("bench.stt.bare", [str(model), quantization, device], room.environment) as library:
                anyio.run(partial(_seconds, room, warm, room.work / "warm.txt"))
                for batch in BATCHES[:1] if device == "cpu" else BATCHES:
                    tune(room, {"batch_size": batch})
                    output = room.work / f"{quantization}-{batch}.txt"
                    ours = anyio.run(partial(_seconds, room, source, output)) / seconds
                    told = library.ask(
                        do="batched", path=str(source), beam_size=1, batch_size=batch, window_seconds=None
                    )
                    theirs = told["seconds"] / seconds
                    held = _gpu_bytes(room)
                    table.line(
                        quantization,
                        str(batch),
                        table.number(ours, 4),
                        table.number(theirs, 4),
                        table.ratio(theirs / ours),
                        table.number(None if held is None else held / GIB, 2),
                        table.UNKNOWN,
                    )
            held = _gpu_bytes(room)
            room.run("unload", ENGINE)
            freed = None if held is None else held - _settled(room)
            cells = (table.UNKNOWN,) * 4
            table.line(quantization, "unloaded", *cells, table.number(None if freed is None else freed / GIB, 2))


def write_random(folder: Path, shape: Shape) -> Path:
    """A model that writes words, and neither times nor an end, up to the most tokens; the folder."""
    dice = np.random.default_rng(0)
    special = build().get_vocab_size() - len(WORDS)
    tokenizer = build([*WORDS, *(f"word{number}" for number in range(shape.vocabulary - special - len(WORDS)))])
    weights = {}
    for name, size in shape.arrays().items():
        array = dice.standard_normal(size, np.float32) * np.float32(0.02)
        weights[name] = np.ones(size, np.float32) if name.endswith("norm.weight") else array
    table_of_tokens = weights["decoder.embed_tokens.weight"] * _LOUD
    table_of_tokens[tokenizer.token_to_id(END) :] = 0
    weights["decoder.embed_tokens.weight"] = table_of_tokens
    write_model(folder, shape, tokenizer, weights, WINDOW_SECONDS)
    return folder


async def _seconds(room: Room, source: Path, output: Path) -> float:
    async with connect_unix(room.socket) as client:
        return (await hear(room, client, source, output)).seconds


def _gpu_bytes(room: Room) -> int | None:
    """What the engine holds on all cards; None where there is none."""
    books = json.loads(room.run("ledger", "--json"))["gpus"]
    held = [share["measured_bytes"] for book in books for share in book["shares"] if share["engine"] == ENGINE]
    return sum(held) if held and None not in held else None


def _settled(room: Room) -> int:
    """What it still holds, once that has not become less for a while."""
    deadline = time.monotonic() + _FREED_SECONDS
    while time.monotonic() < deadline and _gpu_bytes(room):
        time.sleep(0.2)
    return _gpu_bytes(room) or 0
