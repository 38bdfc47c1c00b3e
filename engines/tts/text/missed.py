"""What is not spoken because the model does not know it, told once a stretch and not once a character. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from engines.tts.text.normal import says_something
from engines.tts.text.script import Place, Script
from engines.tts.text.speech import Speech
from ipc.errors import Problem
from ipc.work import SourceProblem

_SHOWN: Final = 20
"""Characters that are named."""


@dataclass
class _Missed:
    first: Place | None = None
    count: int = 0
    """Sentences."""
    characters: dict[str, None] = field(default_factory=dict)

    def add(self, place: Place, characters: str) -> None:
        self.first = self.first or place
        self.count += 1
        self.characters |= dict.fromkeys(characters)

    def named(self) -> str:
        shown = " ".join([*self.characters][:_SHOWN])
        return f"{shown} …" if len(self.characters) > _SHOWN else shown


def missed(
    script: Script, speech: Speech, begin: Place, end: Place, starts: Sequence[Place], where: Callable[[Place], str]
) -> tuple[SourceProblem, ...]:
    """Problems between two places; `starts` are those of the units there, `where` names a place for people."""
    parts, wholes = _Missed(), _Missed()
    for place, text in _texts(script, begin, end):
        if left_out := speech.left_out(text):
            unsaid = says_something(text) and not says_something(speech.say(text))
            (wholes if unsaid else parts).add(place, left_out)
    problems = []
    if parts.first is not None:
        more = parts.count - 1
        also = f" (and in {more:,} more sentence{'s' if more > 1 else ''})" if more else ""
        problems.append(
            _problem(
                "Characters left out", parts, starts, where, f"the model does not know {parts.named()}; left out{also}."
            )
        )
    if wholes.first is not None:
        one = wholes.count == 1
        what = "it is" if one else f"{wholes.count:,} sentences are"
        detail = f"the model knows no letter of {wholes.named()}; {what} not spoken."
        problems.append(_problem("Sentence left out" if one else "Sentences left out", wholes, starts, where, detail))
    return tuple(sorted(problems, key=lambda problem: problem.units_before))


def _problem(
    title: str, found: _Missed, starts: Sequence[Place], where: Callable[[Place], str], detail: str
) -> SourceProblem:
    assert found.first is not None
    place = where(found.first)
    hint = "Say in a lexicon what is spoken instead, or take a checkpoint that knows them."
    return SourceProblem(place, Problem(title, f"{place}: {detail}", hint), bisect_right(starts, found.first))


def _texts(script: Script, begin: Place, end: Place) -> Iterator[tuple[Place, str]]:
    for number in range(begin.sentence, min(end.sentence + 1, len(script.sentences))):
        first = begin.character if number == begin.sentence else 0
        last = end.character if number == end.sentence else None
        if text := script.sentences[number].text[first:last].strip():
            yield Place(number, first), text
