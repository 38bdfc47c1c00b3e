"""What was done and found: counts and times for the table, a line each in the evidence, and every broken promise."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TextIO


class Diary:
    """Of one run; `folder` keeps it as `chaos.jsonl`."""

    def __init__(self, folder: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.broken: list[str] = []
        """Each says which promise, and of what."""
        self._file: TextIO = (folder / "chaos.jsonl").open("w")

    def did(self, what: str, whom: str = "", **more: object) -> None:
        """One act, counted."""
        self.counts[what] += 1
        self.note(what, whom=whom, **more)

    def took(self, what: str, seconds: float) -> None:
        """One measurement."""
        self.seconds[what].append(seconds)
        self.note(what, seconds=round(seconds, 4))

    def breaks(self, promise: str) -> None:
        """A promise was broken."""
        self.broken.append(promise)
        self.note("broken", promise=promise)

    def note(self, what: str, **more: object) -> None:
        """A line of the evidence."""
        self._file.write(json.dumps({"unix": time.time(), "what": what, **more}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()
