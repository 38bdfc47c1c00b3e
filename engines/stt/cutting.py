"""Where a recording is cut: stretches that follow each other without a gap, each with at most one window of speech.

Where a stretch ends depends on what follows its beginning and on nothing before that, so that planning from the
beginning of any stretch gives the same stretches from there on. Places are samples, found frame by frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.stt.unit import RATE, Span
from engines.stt.vad.level import Decibels
from engines.stt.vad.spans import Finder, Run

_PADDING: Final = int(0.3 * RATE)
"""Beside speech, so that no first or last sound is lost."""
_MARGIN: Final = int(0.5 * RATE)
"""Silence that stays with the speech before or after it."""
_LONG_SILENCE: Final = 3 * RATE
"""Is not decoded: models invent words for it."""
_LEAST_SILENT: Final = 10 * RATE
"""A shorter silence is a pause, no stretch of its own."""
_MOST_SILENT: Final = 300 * RATE
_LEAST_WINDOW: Final = RATE


@dataclass(frozen=True)
class Track:
    """What was found of consecutive frames: nothing of it depends on where the plan begins."""

    first: int
    """Number of the first frame."""
    probabilities: NDArray[np.float32]
    """That somebody speaks; 0 where it is too quiet for that."""
    passing: NDArray[np.bool_]
    """Which are loud enough."""
    levels: Decibels
    end: int | None
    """Samples of the recording, once all of it is here."""


@dataclass(frozen=True)
class Stretch:
    """One piece of the recording, and the speech in it."""

    whole: Span
    speech: tuple[Span, ...] = ()
    why: str = ""

    @property
    def decoded(self) -> Span | None:
        """From the first speech to the last; None where nobody speaks."""
        return Span(self.speech[0].begin, self.speech[-1].end) if self.speech else None


@dataclass(frozen=True)
class Cutter:
    """How stretches are cut: `window` samples of speech at most, at silences of `silence` samples where there are."""

    frame: int
    window: int
    silence: int
    finder: Finder | None
    """None: nobody looks for speech, each window is a stretch."""

    def cut(self, track: Track, begin: int) -> Stretch | None:
        """The stretch that begins at this sample, inside the track; None where more must be heard to tell."""
        finder = self.finder
        if finder is None:
            return self._window(track, begin)
        look = begin + _MOST_SILENT + finder.least * self.frame
        first = next(iter(self._runs(track, begin, look, finder)), None)
        if first is not None and first.begin - begin < _LEAST_SILENT:
            return self._speech(track, begin, first, finder)
        return self._silence(track, begin, first) if first is not None or self._reaches(track, look) else None

    # ── one window after the other ────────────────────────────────────────────────────────────────────────

    def _window(self, track: Track, begin: int) -> Stretch | None:
        end = begin + self._most
        if not self._reaches(track, end):
            return None
        whole = Span(begin, end if track.end is None else min(end, track.end))
        frames = self._frames(track, whole.begin, whole.end)
        return Stretch(whole, (whole,)) if track.passing[frames].any() else Stretch(whole, why="silent")

    # ── speech, found ─────────────────────────────────────────────────────────────────────────────────────

    def _silence(self, track: Track, begin: int, following: Run | None) -> Stretch:
        """Up to what follows, if anything does."""
        ends = [begin + _MOST_SILENT]
        if following is not None:
            ends.append(self._down(following.begin - _MARGIN))
        if track.end is not None:
            ends.append(track.end)
        whole = Span(begin, min(ends))
        audible = track.passing[self._frames(track, whole.begin, whole.end)].any()
        return Stretch(whole, why="no speech" if audible else "silent")

    def _speech(self, track: Track, begin: int, first: Run, finder: Finder) -> Stretch | None:
        opening = max(begin, first.begin - _PADDING)
        limit = opening + self._most
        horizon = limit + _LEAST_SILENT + finder.least * self.frame
        if not self._reaches(track, horizon):
            return None
        runs = self._runs(track, begin, horizon, finder)
        kept = self._together(runs, limit)
        if kept == 0 or (kept < len(runs) and self._crowded(runs, kept, limit)):
            gap = self._best(runs, kept, opening)
            if gap is None:
                return self._forced(track, begin, runs, limit)
            kept = gap
        cut = self._after(runs, kept, track.end)
        return Stretch(Span(begin, cut), self._padded(runs[:kept], Span(begin, min(cut, limit))))

    def _together(self, runs: Sequence[Run], limit: int) -> int:
        """How many runs, from the first on, fit with no long silence between."""
        for number, run in enumerate(runs):
            if run.end > limit or (number and run.begin - runs[number - 1].end >= _LONG_SILENCE):
                return number
        return len(runs)

    def _crowded(self, runs: Sequence[Run], kept: int, limit: int) -> bool:
        """Whether it is the window that ends the stretch, no long silence."""
        return runs[kept].end > limit and runs[kept].begin - runs[kept - 1].end < _LONG_SILENCE

    def _best(self, runs: Sequence[Run], kept: int, opening: int) -> int | None:
        """After how many runs to cut: at the longest silence late in the window; None where there is none at all."""
        gaps = [(runs[number].begin - runs[number - 1].end, number) for number in range(1, kept + 1)]
        late, middle = (opening + self._most * part // 3 for part in (2, 1))
        good = [gap for gap in gaps if gap[0] >= self.silence and runs[gap[1] - 1].end >= late]
        fair = [gap for gap in gaps if runs[gap[1] - 1].end >= middle]
        choice = max(good or fair or gaps, default=None)
        return None if choice is None else choice[1]

    def _after(self, runs: Sequence[Run], kept: int, end: int | None) -> int:
        """Where the stretch ends whose last run is that: most of a silence goes with what was before it."""
        last = runs[kept - 1].end
        following = runs[kept].begin if kept < len(runs) else None
        if following is not None and following - last < _LEAST_SILENT:
            return self._down(following - min((following - last) // 2, _MARGIN))
        if end is not None and end - last < _LEAST_SILENT:
            return end
        return self._down(last + _MARGIN)

    def _forced(self, track: Track, begin: int, runs: Sequence[Run], limit: int) -> Stretch:
        """Cut in the middle of speech, where it is least loud late in the window."""
        late = self._frames(track, limit - self._most // 3, limit)
        cut = (track.first + late.start + int(track.levels[late].argmin())) * self.frame
        return Stretch(Span(begin, cut), self._padded([Run(runs[0].begin, cut)], Span(begin, cut)))

    def _padded(self, runs: Sequence[Run], within: Span) -> tuple[Span, ...]:
        """The runs as people hear them: joined where the silence is short, with some of it beside them."""
        joined = list[Run]()
        for run in runs:
            if joined and run.begin - joined[-1].end < self.silence:
                joined[-1] = Run(joined[-1].begin, run.end)
            else:
                joined.append(run)
        halves = [(after.begin + before.end) // 2 for before, after in zip(joined, joined[1:], strict=False)]
        lows, highs = [within.begin, *halves], [*halves, within.end]
        return tuple(
            Span(max(low, run.begin - _PADDING), min(high, run.end + _PADDING))
            for run, low, high in zip(joined, lows, highs, strict=True)
        )

    # ── frames and samples ────────────────────────────────────────────────────────────────────────────────

    @property
    def _most(self) -> int:
        return max(self.window, _LEAST_WINDOW)

    def _down(self, sample: int) -> int:
        return sample // self.frame * self.frame

    def _reaches(self, track: Track, sample: int) -> bool:
        """Whether all is known that lies before this sample."""
        return track.end is not None or (track.first + len(track.levels)) * self.frame >= sample

    def _frames(self, track: Track, begin: int, end: int) -> slice:
        """Those of the track that have samples of this span."""
        return slice(begin // self.frame - track.first, -(-end // self.frame) - track.first)

    def _runs(self, track: Track, begin: int, end: int, finder: Finder) -> list[Run]:
        """Speech between two samples, in samples."""
        frames = self._frames(track, begin, end)
        origin = track.first + frames.start
        last = end if track.end is None else min(end, track.end)
        return [
            Run(max(begin, (origin + run.begin) * self.frame), min(last, (origin + run.end) * self.frame))
            for run in finder.runs(track.probabilities[frames])
        ]
