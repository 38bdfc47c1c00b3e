"""What a job made of a book: its units as they lie in the store, and the sound that it wrote.

`python -m tests.room.spoken_kit` is the part that opens sound, in the Python that has the libraries for it.
"""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
RATE: Final = 24000
PAUSES_MS: Final = {"none": 0, "clause": 120, "sentence": 200, "paragraph": 600, "chapter": 2000}
"""As a unit's payload and the settings have them; a sentence is what is left out of a payload."""
FADE_SAMPLES: Final = 480


@dataclass(frozen=True)
class Kept:
    """One unit as it lies in the store; `file` is its sound."""

    index: int
    name: str
    payload: dict[str, Any]
    result: dict[str, Any]
    file: str
    take: int

    @property
    def spans(self) -> list[tuple[int, int, int]]:
        """Sentence, and its characters from one to another."""
        return [(span[0], span[1], span[2]) for span in self.payload["spans"]]


@dataclass(frozen=True)
class Heard:
    """A sound file, decoded to its end: its own words on chapters are (seconds, title)."""

    samples: int
    chapters: list[tuple[float, str]]
    peak: float


def kept(state: Path, job: str) -> list[Kept]:
    """All units of a job of which each is done, in order, from the store itself."""
    number = int(job.rpartition("-")[2])
    store = sqlite3.connect(f"file:{state / 'jobs.sqlite'}?mode=ro", uri=True)
    try:
        rows = store.execute(
            "SELECT idx, name, payload, result, file, take, state FROM units WHERE job = ? ORDER BY idx", (number,)
        ).fetchall()
    finally:
        store.close()
    assert [row[0] for row in rows] == list(range(len(rows)))
    assert {row[6] for row in rows} == {"done"}
    folder = state / "units" / str(number)
    return [
        Kept(index, name, json.loads(payload), json.loads(result), str(folder / file), take)
        for index, name, payload, result, file, take, _ in rows
    ]


def covers(units: list[Kept], sentences: tuple[str, ...], lengths: dict[int, int]) -> None:
    """Fail unless each character of each sentence is in one unit, once and in order, and is spoken there."""
    ends: Counter[int] = Counter()
    last = (0, 0)
    for sentence, begin, end in [span for unit in units for span in unit.spans]:
        assert (sentence, begin) >= last, "in order"
        assert ends[sentence] == begin, f"sentence {sentence} goes on where it was left"
        ends[sentence], last = end, (sentence, end)
    assert ends == lengths
    assert _letters(" ".join(unit.payload["text"] for unit in units)) == _letters(" ".join(sentences))


def heard(python: str, output: Path) -> Heard:
    """An output, opened by a program that had no part in it."""
    found = _asked(python, "heard", str(output))
    return Heard(found["samples"], [(at, title) for at, title in found["chapters"]], found["peak"])


def places(python: str, units: list[Kept]) -> list[int]:
    """Where each unit begins in the output, in samples, and where the last one's silence ends.

    What is spoken of each, the pauses that follow, less what two pieces of a sentence have in common.
    """
    found: list[int] = _asked(python, "places", json.dumps([asdict(unit) for unit in units]))
    return found


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _asked(python: str, *what: str) -> Any:
    done = subprocess.run(
        [python, "-P", "-m", "tests.room.spoken_kit", what[0]],
        input=what[1], capture_output=True, text=True, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ── in the Python that has the libraries ──────────────────────────────────────────────────────────────────


def _open(path: str) -> dict[str, Any]:
    av, np = import_module("av"), import_module("numpy")  # they are of another Python, which runs this

    with av.open(path) as container:
        (stream,) = container.streams.audio
        chapters = [(float(one["start"] * one["time_base"]), one["metadata"]["title"]) for one in container.chapters()]
        samples, peak = 0, 0.0
        for frame in container.decode(stream):
            samples += frame.samples
            sound = frame.to_ndarray()
            scale = np.iinfo(sound.dtype).max if sound.dtype.kind == "i" else 1
            peak = max(peak, float(np.abs(sound.astype(np.float64)).max()) / scale)
        assert stream.rate == RATE
    return {"samples": samples, "chapters": chapters, "peak": peak}


def _places(units: list[dict[str, Any]]) -> list[int]:
    import soundfile

    from engines.tts.audio.trim import spoken

    begins, joined = [0], False
    for unit in units:
        sound, rate = soundfile.read(unit["file"], dtype="float32")
        assert rate == RATE
        assert len(sound) == unit["result"]["samples"]
        begin, end = spoken(sound)
        pause = unit["payload"].get("pause", "sentence")
        begins[-1] -= FADE_SAMPLES if joined else 0
        begins.append(begins[-1] + end - begin + PAUSES_MS[pause] * RATE // 1000)
        joined = pause == "none"
    return begins


if __name__ == "__main__":
    asked = sys.stdin.read()
    answer = _open(asked) if sys.argv[1] == "heard" else _places(json.loads(asked))
    sys.stdout.write(json.dumps(answer))
