"""From a recording to stretches of it.

A cursor is a sample, and where the first speech of the recording lies once that is known: which tells its language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engines.contract import CannotLoad, CannotPlan, Planning, nothing
from engines.settings import EngineSettings
from engines.stt import shelf
from engines.stt.audio.recording import NotAudio
from engines.stt.cutting import Cutter, Stretch
from engines.stt.folder import found
from engines.stt.pages import Pages
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE, Source, Span, Unit, encode
from engines.stt.vad import level
from engines.stt.vad.silero import FRAME, NoEar
from engines.stt.vad.spans import Finder
from ipc.errors import Problem
from ipc.work import PlannedUnit, SourceProblem

_STRETCH: Final = 300 * RATE
"""One answer ends with the unit that reaches so much: planning is short, and the first units come soon."""
_USUAL_WINDOW_SECONDS: Final = 30.0
_SHORT_SECONDS: Final = 1.0
"""So much less than was promised is no loss."""


def plan(
    source: Path, cursor: str, limit: int, settings: EngineSettings, step: Callable[[], None] = nothing
) -> Planning:
    """Up to `limit` stretches of a recording from `cursor` on.

    Raises:
        CannotPlan: the file holds no sound that can be read.
    """
    assert isinstance(settings, SttSettings)
    try:
        place, key = _place(cursor, source), shelf.key_of(source, settings)
        return _planned(key, place, limit, settings, step)
    except (NotAudio, NoEar) as error:
        raise CannotPlan(error.problem) from error


def _planned(key: shelf.Key, place: _Place, limit: int, settings: SttSettings, step: Callable[[], None]) -> Planning:
    """The recording stays open where more is to be planned of it. Raises NotAudio, NoEar, CannotPlan."""
    pages, on = shelf.taken(key, step), False
    try:
        planning = _Desk(key, pages, settings, step).planning(place, limit)
        on = not planning.end
    finally:
        if on:
            shelf.keep(key, pages)
        else:
            pages.close()
    return planning


@dataclass(frozen=True)
class _Place:
    """Where to go on."""

    sample: int = 0
    head: Span | None = None

    def cursor(self) -> str:
        return f"{self.sample}" if self.head is None else f"{self.sample}:{self.head.begin}-{self.head.end}"

    def after(self, stretch: Stretch) -> _Place:
        return replace(self, sample=stretch.whole.end, head=self.head or stretch.decoded)


class _Desk:
    """One recording, to be cut in one way."""

    def __init__(self, key: shelf.Key, pages: Pages, settings: SttSettings, step: Callable[[], None]) -> None:
        own = _own_window_seconds(settings)
        window = min(settings.window_seconds or own, own)
        finder = Finder(settings.vad_threshold) if settings.vad else None
        self._cutter = Cutter(FRAME, round(window * RATE), settings.silence_ms * RATE // 1000, finder)
        self._source = Source(key.path, key.stamp)
        self._name = Path(key.path).name
        self._pages = pages
        self._step = step

    def planning(self, begin: _Place, limit: int) -> Planning:
        """One answer. Raises NotAudio, CannotPlan."""
        units, begins, place = list[PlannedUnit](), list[int](), begin
        end = False
        while len(units) < limit and place.sample - begin.sample < _STRETCH:
            if (stretch := self._next(place.sample)) is None:
                end = True
                break
            units.append(self._unit(stretch, place))
            begins.append(place.sample)
            place = place.after(stretch)
        end = end or place.sample == self._pages.recording.length
        problems = self._damaged(begins, Span(begin.sample, place.sample)) + (self._missing(len(units)) if end else ())
        return Planning(tuple(units), problems, place.cursor(), end, 1.0 if end else self._share(place.sample))

    def _next(self, begin: int) -> Stretch | None:
        """The stretch that begins there; None where the recording has ended."""
        self._pages.turn_to(begin)
        while True:
            track = self._pages.track
            if track.end is not None and begin >= track.end:
                if begin > track.end:
                    raise _changed(self._source.path, begin)
                return None
            if self._pages.known > begin and (stretch := self._cutter.cut(track, begin)) is not None:
                if stretch.whole.end == self._pages.known and track.end is None:
                    self._pages.more(self._step)  # else nobody knows whether it is the last
                return stretch
            self._pages.more(self._step)

    def _unit(self, stretch: Stretch, place: _Place) -> PlannedUnit:
        whole, gain = stretch.whole, 1.0
        if (decoded := stretch.decoded) is not None:
            first = self._pages.track.first
            frames = slice(decoded.begin // FRAME - first, -(-decoded.end // FRAME) - first)
            gain = level.boost(self._pages.track.levels[frames])
        unit = Unit(self._source, whole, stretch.speech, gain, stretch.why, self._end(whole), place.head)
        return PlannedUnit(encode(unit), self._where(whole), _exactly(whole.begin), place.cursor(), self._pages.seconds)

    def _end(self, whole: Span) -> int:
        """Where the recording ends, for a stretch of it; the same whatever was read before."""
        if whole.end == self._pages.track.end:
            return whole.end
        return max(round((self._pages.seconds or 0.0) * RATE), whole.end + 1)

    def _damaged(self, begins: list[int], planned: Span) -> tuple[SourceProblem, ...]:
        """What of the planned stretches could not be decoded."""
        problems = list[SourceProblem]()
        ends = [*begins[1:], planned.end]
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            bad = [sample for sample in self._pages.recording.damaged if begin <= sample < end]
            if bad:
                places = f"at {_clock(bad[0])}" if len(bad) == 1 else f"in {len(bad)} places from {_clock(bad[0])} on"
                problem = Problem(
                    "Recording damaged",
                    f"{self._name} cannot be decoded {places}; what there is around it is heard.",
                    "Copy or convert the file again if words are missing there.",
                )
                problems.append(SourceProblem(self._where(Span(begin, end)), problem, number + 1))
        return tuple(problems)

    def _missing(self, units: int) -> tuple[SourceProblem, ...]:
        """What the recording promised, and does not hold."""
        promised, length = self._pages.recording.promised, self._pages.recording.length
        if promised is None or length is None or promised - length / RATE <= _SHORT_SECONDS:
            return ()
        lost = Span(length, round(promised * RATE))
        problem = Problem(
            "Recording ends early",
            f"{self._name} ends at {_clock(lost.begin)}, though {_clock(lost.end)} were recorded.",
            "What there is is heard; copy the file again to have the rest.",
        )
        return (SourceProblem(self._where(lost), problem, units),)

    def _where(self, span: Span) -> str:
        """For people."""
        return f"{self._name} {_clock(span.begin)}–{_clock(span.end)}"

    def _share(self, sample: int) -> float | None:
        seconds = self._pages.recording.seconds
        return min(1.0, sample / RATE / seconds) if seconds else None


def _place(cursor: str, source: Path) -> _Place:
    if not cursor:
        return _Place()
    sample, _, head = cursor.partition(":")
    try:
        first, last = head.split("-") if head else ("", "")
        return _Place(int(sample), Span(int(first), int(last)) if head else None)
    except ValueError:
        raise _changed(str(source), cursor) from None


def _own_window_seconds(settings: SttSettings) -> float:
    """Of the model; of one that is not there what nearly all have: its engine tells what is missing, and work waits."""
    try:
        return found(settings).window_seconds
    except CannotLoad:
        return _USUAL_WINDOW_SECONDS


def _changed(source: str, place: object) -> CannotPlan:
    return CannotPlan(
        Problem(
            "Source changed",
            f"{source} has no place {place}, up to which it was planned already.",
            "Submit the job again.",
        )
    )


def _clock(sample: int) -> str:
    """Hours, minutes and seconds, as short as can be."""
    minutes, seconds = divmod(sample // RATE, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _exactly(sample: int) -> str:
    """The same, and hundredths of a second."""
    return f"{_clock(sample)}.{sample % RATE * 100 // RATE:02}"
