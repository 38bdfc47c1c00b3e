"""The recording under way, if any: begun and ended by clients, fed once a second and at every happening.

Its path is kept in the state folder, so that a restarted supervisor goes on with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Happening, Json, RecordingRow
from supervisor.recorder import Recorder


class Recordings:
    """At most one at a time; `header` tells what a new file begins with."""

    def __init__(
        self, state_folder: Path, header: Callable[[], dict[str, Json]], tell: Callable[[Problem | None], None]
    ) -> None:
        self._kept = state_folder / "recording"
        self._header = header
        self._tell = tell
        self._recorder: Recorder | None = None
        self._path = ""
        self._started_unix = 0.0

    def resume(self) -> str:
        """Go on with the recording of a supervisor that died; says so in a sentence, empty when there was none.

        Raises:
            RequestFailed: the file cannot be written any more.
        """
        try:
            path = self._kept.read_text()
        except OSError:
            return ""
        return self.begin(path)

    def begin(self, path: str) -> str:
        """Begin, or go on with the file that is there; says so in a sentence.

        Raises:
            RequestFailed: another recording is under way, or the file cannot be written.
        """
        if self._recorder is not None:
            if path == self._path:
                return f"{path} is being recorded."
            raise RequestFailed(
                Problem("Already recording", f"{self._path} is being recorded.", "Stop that recording first.")
            )
        self._recorder = Recorder.open(Path(path), self._header())
        self._path, self._started_unix = path, time.time()
        self._kept.write_text(path)
        return f"Recording to {path}."

    def end(self) -> str:
        """Close the file; says so in a sentence."""
        if self._recorder is None:
            return "Nothing was being recorded."
        self._recorder.close()
        self._recorder = None
        self._kept.unlink(missing_ok=True)
        return f"{self._path} is closed."

    def tick(self, values: dict[str, Json]) -> None:
        """One second's values; `tell` hears when the file falls behind, and when it has caught up."""
        if self._recorder is None:
            return
        before = self._recorder.problem
        self._recorder.tick(values)
        after = self._recorder.problem
        if (before is None) != (after is None):
            self._tell(after)

    def happened(self, happening: Happening) -> None:
        """One decision or fact."""
        if self._recorder is not None:
            self._recorder.event(happening)

    def row(self) -> RecordingRow | None:
        """What clients see."""
        if self._recorder is None:
            return None
        return RecordingRow(self._path, self._started_unix, self._recorder.ticks)
