"""The thread that reads the next spans and computes their features, while others are decoded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import numpy as np

from engines.stt.aboard import Key, Part
from engines.stt.audio.recording import NotAudio, Recording, stamp
from engines.stt.decode.decoder import Floats, Sound
from engines.stt.spoken import Languages
from engines.stt.unit import Source, Span
from ipc.errors import Problem

_OPEN: Final = 8
"""Recordings that are kept open: who reads on in order need not begin anew."""


@dataclass(frozen=True)
class Read:
    """The span of a part was read, or why it could not be; neither where nobody wants it any more."""

    part: Part
    sound: Sound | None = None
    head: Sound | None = None
    problem: Problem | None = None


class _Unwanted(Exception):
    """Nobody waits for it any more."""


class Reader:
    """One thread, ended by `close`; what it has read goes to `news`, as does what ended it.

    `sound` makes features of samples. `step` is called for each second that is decoded on the way.
    """

    def __init__(
        self,
        sound: Callable[[Floats], Sound],
        languages: Languages,
        step: Callable[[], None],
        news: SimpleQueue[Any],
    ) -> None:
        self._sound = sound
        self._languages = languages
        self._step = step
        self._news = news
        self._waiting: list[Part] = []
        self._change = threading.Condition()
        self._closed = False
        self._recordings: OrderedDict[Key, Recording] = OrderedDict()
        self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
        self._thread.start()

    def want(self, part: Part) -> None:
        """Read this when its turn comes."""
        with self._change:
            self._waiting.append(part)
            self._change.notify()

    def close(self) -> None:
        """End within one step."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    # ── in the thread ─────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        try:
            while (part := self._next()) is not None:
                self._news.put(self._read(part))
        except BaseException as error:  # noqa: BLE001 (outermost of this thread: the loop raises it)
            self._news.put(error)
        finally:
            for recording in self._recordings.values():
                recording.close()

    def _next(self) -> Part | None:
        with self._change:
            while not self._closed and not self._waiting:
                if not self._change.wait(timeout=_IDLE_SECONDS):
                    self._let_go()
            if self._closed:
                return None
            part = min(self._waiting, key=lambda part: part.turn)
            self._waiting.remove(part)
            return part

    def _read(self, part: Part) -> Read:
        head_is_ours = not part.manner.language and self._languages.claim(part.key)
        try:
            recording = self._recording(part)
            head = self._head(part, recording) if head_is_ours else None
            sound = self._sound(self._samples(part, recording, part.extent))
        except (NotAudio, _Unwanted) as error:
            if head_is_ours:
                self._languages.release(part.key)
            self._forget(part.key)  # it may be half read, or another by now
            return Read(part, problem=error.problem if isinstance(error, NotAudio) else None)
        return Read(part, sound, sound if head_is_ours and head is None else head)

    def _head(self, part: Part, recording: Recording) -> Sound | None:
        """None where the part is itself the first speech."""
        return None if part.unit.head is None else self._sound(self._samples(part, recording, part.unit.head))

    def _samples(self, part: Part, recording: Recording, span: Span) -> Floats:
        samples = recording.read(span, lambda: self._go_on(part))
        if len(samples) < span.end - span.begin:
            raise _changed(part.unit.source.path, "it ends earlier than when it was divided")
        return samples if part.unit.gain == 1 else np.clip(samples * np.float32(part.unit.gain), -1, 1)

    def _go_on(self, part: Part) -> None:
        self._step()
        if self._closed or not part.wanted:
            raise _Unwanted

    def _recording(self, part: Part) -> Recording:
        self._go_on(part)
        key, source = part.key, part.unit.source
        _check(source)
        if (recording := self._recordings.pop(key, None)) is None:
            recording = Recording(Path(source.path))
        self._recordings[key] = recording
        while len(self._recordings) > _OPEN:
            self._recordings.popitem(last=False)[1].close()
        return recording

    def _forget(self, key: Key) -> None:
        if (recording := self._recordings.pop(key, None)) is not None:
            recording.close()

    def _let_go(self) -> None:
        """A file that nothing was read of for a while is not held open: its disk may be wanted elsewhere."""
        while self._recordings:
            self._recordings.popitem()[1].close()


_IDLE_SECONDS: Final = 30.0


def _check(source: Source) -> None:
    """Raises NotAudio: the file is gone, or another than was divided."""
    if stamp(Path(source.path)) != source.stamp:
        raise _changed(source.path, "it was changed since it was divided")


def _changed(path: str, why: str) -> NotAudio:
    return NotAudio(
        Problem("Recording changed", f"{path} is not the same any more: {why}.", "Submit it again as it is now.")
    )
