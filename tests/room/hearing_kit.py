"""A room with an engine that listens, the jobs that it does, and what may befall it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from room_kit import Room, gone, kill, open_room, wait_for

from ipc.snapshot import FINISHED

ENGINE = "ears"
_SECONDS = 90.0
"""More than anything here takes, where others have most of the machine too."""


def listening(name: str = ENGINE, **settings: object) -> str:
    """The table of an engine with the miniature, on one thread."""
    told = {"kind": "stt", "gpu": "cpu", "cpu_threads": 1, "language": "en", **settings}
    return "\n".join([f"[engine.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in told.items()), ""])


@dataclass
class Hearing:
    """A room, and the engine in it that is called `ears`."""

    room: Room
    _outputs: Iterator[int] = field(default_factory=count)

    def submit(self, output: Path | str, *sources: Path, engine: str = ENGINE) -> str:
        """A job of these recordings. Its id."""
        return self.room.submit("stt", *map(str, sources), "-o", str(output), "--engine", engine)

    def begun(self, job: str, units: int) -> None:
        """Wait until so many units are done, and the job is not over with that."""

        def far() -> bool:
            row = self.room.job(job)
            assert row["state"] not in FINISHED, row
            return bool(row["units_done"] >= units)

        wait_for(far, f"{job} has {units} units", _SECONDS)

    def ended(self, job: str, state: str = "done") -> dict[str, Any]:
        """The job's row, once it has ended, and has ended so."""
        self.room.run("job", "wait", job, code=None, seconds=_SECONDS)
        row = self.room.job(job)
        assert row["state"] == state, self.room.run("job", "problems", job).stdout
        return row

    def heard(self, *sources: Path, form: str = "txt") -> str:
        """What a job writes of these recordings."""
        output = self.room.work / f"heard-{next(self._outputs)}.{form}"
        self.ended(self.submit(output, *sources))
        return output.read_text()

    # ── what may befall it ────────────────────────────────────────────────────────────────────────────────

    def kill_engine(self, name: str = ENGINE) -> None:
        """By force."""
        pid = wait_for(lambda: self.room.engine(name)["pid"], "an engine")
        kill(pid)
        wait_for(lambda: gone(pid), "it is gone")

    def kill_supervisor(self) -> None:
        """By force; its keeper starts another."""
        pid = self.room.supervisor_pid()
        kill(pid)
        wait_for(lambda: self.room.supervisor_pid() != pid, "the keeper starts another supervisor")


@contextlib.contextmanager
def open_hearing(config: str) -> Iterator[Hearing]:
    """A room with these engines; it is up."""
    with open_room(config) as room:
        room.environ = {"ENGINEROOM_DATA": str(room.work / "data"), "OMP_NUM_THREADS": "1", "HOME": str(room.work)}
        room.run("up")
        yield Hearing(room)


def text_of(output: str) -> str:
    """What was heard, of an output in text: without the names of several recordings."""
    return " ".join(line for line in output.splitlines() if not line.startswith("#"))
