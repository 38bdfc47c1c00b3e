"""A stretch that was heard to its end becomes the result of its order."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from msgspec.structs import replace

from engines.contract import Flight
from engines.stt.aboard import Part, Window
from engines.stt.decode.decoder import FRAMES_PER_SECOND
from engines.stt.decode.judge import why_dropped
from engines.stt.unit import RATE, Unit, encode
from ipc.hearing import Dropped, Heard, Segment, Word
from ipc.work import UnitOrder

_TIME_DIGITS, _DIGITS = 3, 4


@dataclass
class Judged:
    """What of a stretch is written, and what is not; times are those of the recording."""

    segments: list[Segment] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    tokens: int = 0
    logprob: float = 0.0
    """Sum over the tokens of what is written."""

    @property
    def confidence(self) -> float | None:
        """Mean logarithm of a token's probability."""
        return self.logprob / self.tokens if self.tokens else None


def judged(part: Part) -> Judged:
    """All of its windows, each in the company of the others."""
    settings, phantoms = part.manner.settings, part.manner.phantoms
    amid = any(why_dropped(window.take, settings, phantoms) is None for window in part.windows)
    found = Judged()
    for window in part.windows:
        take = window.take
        why = why_dropped(take, settings, phantoms, amid=amid)
        if why is None:
            found.segments += [_placed(part, window, segment) for segment in take.segments]
            found.tokens += take.tokens
            found.logprob += take.logprob * take.tokens
            continue
        if amid and not take.text:  # the end of a stretch that was heard
            continue
        begin, over = _within(part, window, 0.0), _within(part, window, window.frames / FRAMES_PER_SECOND)
        logprob = round(take.logprob, _DIGITS) if take.text else None
        found.dropped.append(Dropped(begin, over, why, take.text, logprob, round(take.no_speech, _DIGITS)))
    return found


def end(part: Part, model: str) -> Judged:
    """Tell the flight what was heard."""
    unit, found = part.unit, judged(part)
    heard = Heard(
        tuple(found.segments),
        tuple(found.dropped),
        part.language,
        part.language_probability,
        model,
        unit.whole.begin / RATE,
        unit.whole.end / RATE,
    )
    part.trip.flight.done(
        part.order,
        encode(heard),
        tokens=part.tokens,
        seconds=time.monotonic() - part.begun,
        ttft_seconds=None,
        audio_seconds=unit.whole.seconds,
        confidence=found.confidence,
    )
    return found


def end_silent(flight: Flight, order: UnitOrder, unit: Unit, model: str) -> None:
    """A stretch in which nobody speaks is answered at once."""
    begin, over = unit.whole.begin / RATE, unit.whole.end / RATE
    dropped = (Dropped(begin, over, unit.why or "no speech"),) if over > begin else ()
    heard = Heard((), dropped, model=model, begin=begin, end=over)
    flight.done(order, encode(heard), tokens=0, seconds=0.0, ttft_seconds=None, audio_seconds=unit.whole.seconds)


def _placed(part: Part, window: Window, segment: Segment) -> Segment:
    return replace(
        segment,
        begin=_within(part, window, segment.begin),
        end=_within(part, window, segment.end),
        logprob=round(segment.logprob, _DIGITS),
        no_speech=round(segment.no_speech, _DIGITS),
        compression=round(segment.compression, _DIGITS),
        words=tuple(
            Word(_within(part, window, word.begin), _within(part, window, word.end), word.text, word.probability)
            for word in segment.words
        ),
    )


def _within(part: Part, window: Window, seconds: float) -> float:
    """Seconds of a window, in the recording: the silence put before the sound has no time there."""
    assert part.sound is not None
    extent = part.extent
    at = extent.begin / RATE - part.sound.lead + window.begin / FRAMES_PER_SECOND + seconds
    return round(min(max(at, extent.begin / RATE), extent.end / RATE), _TIME_DIGITS)
