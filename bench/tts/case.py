"""What holds for all parts: the models, how they are measured, and the children that compute."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import table
from bench.peer import Peer, Told, peer
from bench.room import ROOT
from bench.tts.spent import Spent
from engines.tts.settings import TtsSettings
from engines.tts.unit import TOKENS_PER_SECOND
from ipc.places import DATA

TOGETHER = (1, 2, 4, 8)
WORDS = """the old boiler feeds a slow engine while steam rises over the quiet yard and somebody turns a heavy wheel
with both hands before the evening comes""".split()  # noqa: SIM905 (as one reads it)


@dataclass(frozen=True)
class Model:
    """A checkpoint whose chunks all take `tokens` tokens, whatever their text."""

    name: str
    folder: Path
    tokens: int
    rounds: int
    full: bool

    def texts(self, count: int) -> list[str]:
        """So many, each as long as a person would need that time to read."""
        length = self.tokens * 13 // TOKENS_PER_SECOND
        return [_text(number, length) for number in range(count)]


@dataclass(frozen=True)
class Bench:
    """Where and how."""

    python: str
    device: str
    folder: Path
    cap_gib: float | None = None

    @property
    def unit(self) -> str:
        """Of the seconds that count."""
        return "s" if self.device == "cuda" else "CPU s"

    @property
    def environment(self) -> Mapping[str, str]:
        """Of children."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ENGINEROOM_", "PYTHON"))}
        ours = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", DATA: str(self.folder / "data")}
        return {**kept, **TtsSettings().process_environment(), **ours}

    @contextmanager
    def child(self, name: str, model: Model, *arguments: str) -> Iterator[Peer]:
        """One of `bench.tts.children`, loaded.

        Raises:
            PeerFailed
        """
        module = f"bench.tts.children.{name}"
        with peer(module, [str(model.folder), self.device, *arguments], self.environment, self.python) as there:
            yield there

    @contextmanager
    def checkpoint(self, tokens: int, rounds: int, *, full: bool) -> Iterator[Model]:
        """Made for as long as the block lasts.

        Raises:
            SystemExit: it cannot be made; with what was said.
        """
        model = Model("full size" if full else "miniature", self.folder / "checkpoint", tokens, rounds, full)
        model.folder.mkdir()
        command = [self.python, "-m", "bench.tts.children.checkpoint", str(model.folder), str(tokens)]
        try:
            made = subprocess.run(
                [*command, *(["FULL"] if full else [])],
                capture_output=True, text=True, env=self.environment, cwd=ROOT, check=False,
            )  # fmt: skip
            if made.returncode != 0:
                sys.exit(f"no checkpoint: {made.stderr[-2000:]}")
            yield model
        finally:
            shutil.rmtree(model.folder, ignore_errors=True)

    def slow(self, model: Model) -> bool:
        """Whether a chunk takes a minute, and not a second."""
        return model.full and self.device == "cpu"

    def rounds(self, model: Model) -> Iterable[bool]:
        """Whether each of them counts: the first does not, unless it would take long."""
        warm = 0 if self.slow(model) else 1
        return itertools.chain([False] * warm, [True] * model.rounds)


def seconds(device: str, spent: Sequence[Told]) -> float:
    """Of all of them together."""
    return sum(msgspec.convert(one, Spent).seconds(device) for one in spent)


def median(values: Sequence[float]) -> float:
    """Of the rounds."""
    return statistics.median(values)


def times(value: float, peers: float, aim: float | None = None) -> str:
    """A cell: a figure, and how many times that of the peer it is."""
    digits = 1 if value < 1000 else 0
    return f"{table.number(value, digits)} ×{table.ratio(value / peers, aim)}"


def _text(number: int, length: int) -> str:
    """A sentence of about so many characters; each has another beginning."""
    words: list[str] = []
    for word in itertools.islice(itertools.cycle(WORDS), number, None):
        if len(" ".join((*words, word))) >= length:
            return f"{' '.join(words).capitalize()}."
        words.append(word)
    raise AssertionError("a cycle has no end")
