"""The thread that reads the next spans and computes their features, while others are decoded."""

from __future__ import annotations

import threading
import time
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
from engines.stt.vad import level
from engines.stt.vad.silero import FRAME
from ipc.errors import Problem

_OPEN: Final = 64
"""Recordings that are kept open: who reads on in order need not begin anew, though others are read in between."""
_IDLE_SECONDS: Final = 30.0
"""So long after the last recording is in the air they are let go."""


@dataclass(frozen=True)
class Read:
    """The span of a part was read, or why it could not be; neither where nobody wants it any more."""

    part: Part
    sound: Sound | None = None
    head: Sound | None = None
    problem: Problem | None = None


class _Unwanted(Exception):
    """Nobody waits for it any more."""


class _Later(Exception):
    """Somebody came who goes first."""


@dataclass(eq=False)
class _Errand:
    """A part to be read, and what of it was read before somebody else went first."""

    part: Part
    head: Sound | None = None


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
        self._waiting: list[_Errand] = []
        self._change = threading.Condition()
        self._closed = False
        self._resting_since: float | None = None
        self._recordings: OrderedDict[Key, Recording] = OrderedDict()
        self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
        self._thread.start()

    def want(self, part: Part) -> None:
        """Read this when its turn comes."""
        with self._change:
            self._waiting.append(_Errand(part))
            self._resting_since = None
            self._change.notify()

    def rest(self) -> None:
        """No recording is in the air until the next is wanted: until then files may be closed, and not before."""
        if self._resting_since is None:
            self._resting_since = time.monotonic()

    def close(self) -> None:
        """End within one step."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()

    # ── in the thread ─────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        try:
            while (errand := self._next()) is not None:
                try:
                    self._news.put(self._read(errand))
                except _Later:
                    with self._change:
                        self._waiting.append(errand)
        except BaseException as error:  # noqa: BLE001 (outermost of this thread: the loop raises it)
            self._news.put(error)
        finally:
            for recording in self._recordings.values():
                recording.close()

    def _next(self) -> _Errand | None:
        with self._change:
            while not self._closed and not self._waiting:
                self._change.wait(timeout=_IDLE_SECONDS)
                since = self._resting_since
                if since is not None and time.monotonic() - since >= _IDLE_SECONDS:
                    self._let_go()
            if self._closed:
                return None
            errand = min(self._waiting, key=lambda errand: errand.part.turn)
            self._waiting.remove(errand)
            return errand

    def _read(self, errand: _Errand) -> Read:
        """Raises _Later."""
        part = errand.part
        head_is_ours = not part.manner.language and self._languages.claim(part.key)
        done = False
        try:
            recording = self._recording(part)
            if head_is_ours and part.unit.head is not None and errand.head is None:
                errand.head = self._first(self._samples(part, recording, part.unit.head))
            samples = self._samples(part, recording, part.extent)
            done = True
        except NotAudio as error:
            self._forget(part.key)  # it may be another by now
            return Read(part, problem=error.problem)
        except _Unwanted:
            return Read(part)
        finally:
            if head_is_ours and not done:
                self._languages.release(part.key)
        if head_is_ours and part.unit.head is None:
            errand.head = self._first(samples)
        return Read(part, self._sound(_louder(samples, part.unit.gain)), errand.head if head_is_ours else None)

    def _first(self, samples: Floats) -> Sound:
        """The first speech of a recording, as loud whichever part reads it: what tells the language is always alike."""
        return self._sound(_louder(samples, level.boost(level.levels(samples, FRAME))))

    def _samples(self, part: Part, recording: Recording, span: Span) -> Floats:
        """What lies before may take minutes to decode, and whoever goes first need not wait for it."""
        recording.read(Span(span.begin, span.begin), lambda: self._give_way(part))
        samples = recording.read(span, lambda: self._go_on(part))
        if len(samples) < span.end - span.begin:
            raise _changed(part.unit.source.path, "it ends earlier than when it was divided")
        return samples

    def _go_on(self, part: Part) -> None:
        self._step()
        if self._closed or not part.wanted:
            raise _Unwanted

    def _give_way(self, part: Part) -> None:
        self._go_on(part)
        with self._change:
            if any(other.part.turn[0] < part.turn[0] for other in self._waiting):
                raise _Later

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
        """A file that nobody waits for any more is not held open: its disk may be wanted elsewhere."""
        while self._recordings:
            self._recordings.popitem()[1].close()


def _louder(samples: Floats, gain: float) -> Floats:
    return samples if gain == 1 else np.clip(samples * np.float32(gain), -1, 1)


def _check(source: Source) -> None:
    """Raises NotAudio: the file is gone, or another than was divided."""
    if stamp(Path(source.path)) != source.stamp:
        raise _changed(source.path, "it was changed since it was divided")


def _changed(path: str, why: str) -> NotAudio:
    return NotAudio(
        Problem("Recording changed", f"{path} is not the same any more: {why}.", "Submit it again as it is now.")
    )
