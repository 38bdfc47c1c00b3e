"""A stretch that was heard to its end becomes the result of its order."""

from __future__ import annotations

import time

from msgspec.structs import replace

from engines.contract import Flight
from engines.stt.aboard import Part
from engines.stt.decode.decoder import FRAMES_PER_SECOND
from engines.stt.decode.judge import why_dropped
from engines.stt.decode.take import Take
from engines.stt.unit import RATE, Unit, encode
from ipc.hearing import Dropped, Heard, Segment, Word
from ipc.work import UnitOrder

_TIME_DIGITS, _DIGITS = 3, 4


def add(part: Part, take: Take, frames: int) -> None:
    """What so many frames brought, to the part that they are of; times become those of the recording."""
    seconds = frames / FRAMES_PER_SECOND
    why = why_dropped(take, part.manner.settings, part.manner.phantoms)
    if why is None:
        part.segments += [_placed(part, segment) for segment in take.segments]
        part.believed_tokens += take.tokens
        part.believed_logprob += take.logprob * take.tokens
        return
    begin, end_seconds = _within(part, 0.0), _within(part, seconds)
    logprob = round(take.logprob, _DIGITS) if take.text else None
    part.dropped.append(Dropped(begin, end_seconds, why, take.text, logprob, round(take.no_speech, _DIGITS)))


def end(part: Part, model: str) -> None:
    """Tell the flight."""
    unit = part.unit
    heard = Heard(
        tuple(part.segments),
        tuple(part.dropped),
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
        confidence=part.believed_logprob / part.believed_tokens if part.believed_tokens else None,
    )


def end_silent(flight: Flight, order: UnitOrder, unit: Unit, model: str) -> None:
    """A stretch in which nobody speaks is answered at once."""
    begin, over = unit.whole.begin / RATE, unit.whole.end / RATE
    dropped = (Dropped(begin, over, unit.why or "no speech"),) if over > begin else ()
    heard = Heard((), dropped, model=model, begin=begin, end=over)
    flight.done(order, encode(heard), tokens=0, seconds=0.0, ttft_seconds=None, audio_seconds=unit.whole.seconds)


def _placed(part: Part, segment: Segment) -> Segment:
    return replace(
        segment,
        begin=_within(part, segment.begin),
        end=_within(part, segment.end),
        logprob=round(segment.logprob, _DIGITS),
        no_speech=round(segment.no_speech, _DIGITS),
        compression=round(segment.compression, _DIGITS),
        words=tuple(
            Word(_within(part, word.begin), _within(part, word.end), word.text, word.probability)
            for word in segment.words
        ),
    )


def _within(part: Part, seconds: float) -> float:
    """Of a window, in the recording: the silence put before it has no time there."""
    begin, over = part.extent.begin / RATE, part.extent.end / RATE
    return round(min(max(part.zero + seconds, begin), over), _TIME_DIGITS)
