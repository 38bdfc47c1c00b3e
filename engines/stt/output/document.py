"""Everything that is known, as JSON: one segment a line, so that it can be read by people and by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from engines.stt.output.spaces import tidy
from engines.stt.output.spool import Recording
from ipc.hearing import Dropped, Segment, Word
from ipc.snapshot import Json, Scalar

_TIME_DIGITS: Final = 3
_DIGITS: Final = 4


def document(recordings: Sequence[Recording], settings: Mapping[str, Scalar]) -> Iterator[str]:
    """The object of one recording, or a list of those of several, in pieces."""
    if len(recordings) == 1:
        yield from _object(recordings[0], settings, "")
        yield "\n"
        return
    yield "["
    for number, recording in enumerate(recordings):
        yield ",\n" if number else "\n"
        yield from _object(recording, settings, "  ")
    yield "\n]\n"


def _object(recording: Recording, settings: Mapping[str, Scalar], indent: str) -> Iterator[str]:
    tally = recording.tally
    facts: dict[str, Json] = {
        "source": recording.path,
        "seconds": round(tally.seconds, _TIME_DIGITS),
        "language": tally.language,
        "language_probability": _rounded(tally.language_probability),
        "models": list(tally.models),
        "settings": dict(settings),
        "confidence": _rounded(tally.confidence),
    }
    yield f"{indent}{{\n"
    for name, value in facts.items():
        yield f"{indent}  {_text(name)}: {_text(value)},\n"
    yield from _list("segments", map(_segment, recording.segments()), indent)
    yield ",\n"
    yield from _list("dropped", map(_dropped, recording.dropped()), indent)
    yield f"\n{indent}}}"


def _list(name: str, values: Iterable[Json], indent: str) -> Iterator[str]:
    yield f"{indent}  {_text(name)}: ["
    first = True
    for value in values:
        yield f"{'' if first else ','}\n{indent}    {_text(value)}"
        first = False
    yield "]" if first else f"\n{indent}  ]"


def _segment(one: Segment) -> Json:
    return {
        "begin": round(one.begin, _TIME_DIGITS),
        "end": round(one.end, _TIME_DIGITS),
        "text": tidy(one.text),
        "logprob": round(one.logprob, _DIGITS),
        "no_speech": round(one.no_speech, _DIGITS),
        "compression": round(one.compression, _DIGITS),
        "temperature": round(one.temperature, _DIGITS),
        **({"words": [_word(word) for word in one.words]} if one.words else {}),
    }


def _word(one: Word) -> Json:
    return {
        "begin": round(one.begin, _TIME_DIGITS),
        "end": round(one.end, _TIME_DIGITS),
        "text": tidy(one.text),
        "probability": round(one.probability, _DIGITS),
    }


def _dropped(one: Dropped) -> Json:
    return {
        "begin": round(one.begin, _TIME_DIGITS),
        "end": round(one.end, _TIME_DIGITS),
        "why": one.why,
        **({"text": tidy(one.text)} if one.text else {}),
        **({} if one.logprob is None else {"logprob": round(one.logprob, _DIGITS)}),
        **({} if one.no_speech is None else {"no_speech": round(one.no_speech, _DIGITS)}),
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, _DIGITS)


def _text(value: Json) -> str:
    return msgspec.json.encode(value).decode()
