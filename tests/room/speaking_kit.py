"""A room with engines that speak, and what may befall it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from room_kit import Room, gone, kill, open_room, wait_for
from speech_kit import speech_python, with_speech

from ipc.snapshot import FINISHED


def speaking(name: str, checkpoint: Path, **settings: object) -> str:
    """The table of an engine that speaks as fast as it can."""
    fast = {"flow_steps": 1, "reference_seconds": 1.0, "watermark": False, "loudness": 0.0, "parallel": 8, "gpu": "cpu"}
    told = {"kind": "tts", "model": str(checkpoint), **fast, **settings}
    words = {True: "true", False: "false"}
    lines = [
        f"{key} = {words[value] if isinstance(value, bool) else repr(value)}" for key, value in told.items()
    ]  # fmt: skip
    return "\n".join([f"[engine.{name}]", *lines, ""])


_SECONDS = 150.0
"""More than anything here takes, where others have most of the machine too."""


@dataclass
class Speaking:
    """A room that has an environment for speech, and the engine in it that is called `voice`."""

    room: Room
    python: str

    def submit(self, source: Path, output: Path, engine: str = "voice") -> str:
        return self.room.submit("tts", str(source), "-o", str(output), "--engine", engine)

    def begun(self, job: str, units: int) -> None:
        """Wait until so many units are done, and the job is not over with that."""

        def far() -> bool:
            row = self.room.job(job)
            assert row["state"] not in FINISHED, row
            return bool(row["units_done"] >= units)

        wait_for(far, f"{job} has {units} units", _SECONDS)

    def assembling(self, job: str) -> None:
        """Wait until nothing but the output is left to make."""
        wait_for(lambda: self.room.job(job)["state"] == "assembling", f"{job} is assembled", _SECONDS)

    def ended(self, job: str, state: str = "done", seconds: float = _SECONDS) -> dict[str, Any]:
        """The job's row, once it has ended, and has ended so."""
        self.room.run("job", "wait", job, code=None, seconds=seconds)
        row = self.room.job(job)
        assert row["state"] == state, self.room.run("job", "problems", job).stdout
        return row

    # ── what a person or a kernel may do to it ────────────────────────────────────────────────────────────

    def kill_engine(self, name: str = "voice") -> None:
        pid = wait_for(lambda: self.room.engine(name)["pid"], "an engine")
        kill(pid)
        wait_for(lambda: gone(pid), "it is gone")

    def kill_supervisor(self) -> None:
        pid = self.room.supervisor_pid()
        kill(pid)
        wait_for(lambda: self.room.supervisor_pid() != pid, "the keeper starts another supervisor")

    def kill_desk(self) -> None:
        pid = wait_for(lambda: self.room.processes().get("tts:desk"), "a desk").pid
        kill(pid)
        wait_for(lambda: gone(pid), "it is gone")

    def down_and_up(self) -> None:
        self.room.run("down")
        self.room.run("up")


@contextlib.contextmanager
def open_speaking(config: str, before: str = "") -> Iterator[Speaking]:
    """A room with these engines; it is up. `before` as for `with_speech`."""
    with open_room(config) as room:
        room.environ = {"ENGINEROOM_DATA": str(with_speech(room.work / "data", before)), "OMP_NUM_THREADS": "1"}
        room.environ["HOME"] = str(room.work)
        room.run("up")
        yield Speaking(room, speech_python())
