"""Sentences packed into chunks. Pure: a chunk depends on where it begins and on what follows, on nothing before it.

So planning from the beginning of any chunk gives that chunk and all that followed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from engines.tts.text.cutting import Cut, cut
from engines.tts.text.normal import says_something
from engines.tts.text.script import Place, Script, Sentence
from engines.tts.unit import Pause, Span

SHORT: Final = 40
"""Characters; Chatterbox stumbles over less, so such a chunk takes in more where it can."""
WINDOW: Final = 4000
"""Characters of a sentence that are looked at in one go; any chunk is far shorter."""
_PAUSES: Final[tuple[Pause, ...]] = ("sentence", "paragraph", "chapter")
_CHAPTER: Final = 2
_MARKS: Final = (
    ".",
    "!",
    "?",
    "…",
    ":",
    ";",
    ",",
    "-",
    "—",
    "。",
    "！",
    "？",
    "、",
    "，",
    "؟",
    "।",
    '"',
    "”",
    "»",
    ")",
)


@dataclass(frozen=True)
class Limits:
    """Of a chunk: characters as spoken, and tokens of text that the model has places for."""

    characters: int
    tokens: int

    @property
    def short(self) -> int:
        """Below this a chunk is very short; less where a character says more, so that chunks have fewer."""
        return min(SHORT, self.characters // 4)


class Part(NamedTuple):
    """A sentence, or a piece of it, in a chunk; `ends` as of a `Sentence`, of what is skipped after it too."""

    span: Span
    written: str
    spoken: str
    heading: bool
    ends: int
    pause: Pause | None = None
    """Where it was cut from its sentence."""

    @property
    def after(self) -> Place:
        """Where it ends."""
        return Place(self.span.sentence, self.span.end)


@dataclass(frozen=True)
class Chunk:
    """Parts that are spoken in one go."""

    parts: tuple[Part, ...]

    @property
    def begin(self) -> Place:
        """Its cursor."""
        return Place(self.parts[0].span.sentence, self.parts[0].span.begin)

    @property
    def end(self) -> Place:
        """Behind it."""
        return self.parts[-1].after

    @property
    def spans(self) -> tuple[Span, ...]:
        """Where it comes from."""
        return tuple(part.span for part in self.parts)

    @property
    def pause(self) -> Pause:
        """What ends with it."""
        last = self.parts[-1]
        return last.pause or _PAUSES[last.ends]

    @property
    def spoken(self) -> str:
        """Its text, with a full stop where a paragraph within it ends without a mark."""
        return _spoken(self.parts)

    @property
    def written(self) -> str:
        """The same as the document has it."""
        glued = (part.written.rstrip() + (" " if part.ends else part.written[len(part.written.rstrip()) :])
                 for part in self.parts)  # fmt: skip
        return "".join(glued).strip()


class Packer:
    """`speak` gives what is said of a written piece, `tokens` at most how many the model makes of what is said."""

    def __init__(
        self, script: Script, limits: Limits, speak: Callable[[str], str], tokens: Callable[[str], int]
    ) -> None:
        self._script = script
        self._limits = limits
        self._speak = speak
        self._tokens = tokens

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """All chunks from a place on."""
        while (chunk := self.chunk(place)) is not None:
            yield chunk
            place = chunk.end

    def begin(self, place: Place) -> Place | None:
        """Where the first chunk from a place on begins."""
        part = self._part(place)
        return None if part is None else Place(part.span.sentence, part.span.begin)

    def chunk(self, place: Place) -> Chunk | None:
        """The first chunk from a place on; None where nothing more is said."""
        first = self._part(place)
        if first is None:
            return None
        parts = [first]
        short = self._limits.short
        while first.pause is None and not first.heading and (following := self._following(parts[-1])) is not None:
            length = len(_spoken(parts))
            if parts[-1].ends and length >= short:
                if rest := self._short_rest(following, chapter=True):
                    parts = [*parts, *rest] if self._fit(_spoken([*parts, *rest])) else self._given_back(parts, rest)
                break
            if following.pause is not None or not self._fit(_spoken([*parts, following])):
                if rest := self._short_rest(following, chapter=False):
                    parts = self._given_back(parts, rest)
                break
            parts.append(following)
        return Chunk(tuple(parts))

    def _given_back(self, parts: list[Part], rest: list[Part]) -> list[Part]:
        """The parts without the last one, where that saves a very short rest from being a chunk of its own."""
        *kept, last = parts
        enough = bool(kept) and len(_spoken(kept)) >= self._limits.short
        return kept if enough and self._fit(_spoken([last, *rest])) else parts

    def _short_rest(self, part: Part, *, chapter: bool) -> list[Part]:
        """All parts from this one to the end of its paragraph or chapter, if they are very short together."""
        rest, length = [part], len(part.spoken)
        while length < self._limits.short and part.pause is None:
            if part.ends >= (_CHAPTER if chapter else 1) or (following := self._following(part)) is None:
                return rest
            part = following
            rest.append(part)
            length += len(part.spoken) + 2
        return []

    def _fit(self, spoken: str) -> bool:
        return len(spoken) <= self._limits.characters and self._tokens(spoken) <= self._limits.tokens

    def _following(self, part: Part) -> Part | None:
        """The next part that is said, in the same chapter."""
        following = self._part(part.after) if part.pause is None else None
        if following is None or self._chapter(following) != self._chapter(part):
            return None
        return following

    def _chapter(self, part: Part) -> int:
        return self._script.sentences[part.span.sentence].chapter

    def _part(self, place: Place) -> Part | None:
        """What is said next from a place on: the rest of its sentence, or a piece of that if it is too long."""
        sentences = self._script.sentences
        while place.sentence < len(sentences):
            sentence = sentences[place.sentence]
            part = self._piece(place, sentence)
            if says_something(part.spoken):
                return part
            place = part.after if part.pause is not None else Place(place.sentence + 1, 0)
        return None

    def _piece(self, place: Place, sentence: Sentence) -> Part:
        begin = place.character
        text = sentence.text[begin : begin + WINDOW]
        spoken = self._speak(text.strip())
        whole = begin + len(text) >= len(sentence.text)
        if whole and (self._fit(spoken) or len(text.strip()) <= 1):
            return self._made(place, sentence, len(sentence.text), spoken, None)
        found, spoken = self._cut(text)
        return self._made(place, sentence, begin + found.end, spoken, found.pause)

    def _made(self, place: Place, sentence: Sentence, end: int, spoken: str, pause: Pause | None) -> Part:
        written = sentence.text[place.character : end]
        span = Span(place.sentence, place.character, end)
        # Only for what is said: what is not is looked at once, and never together with all that follows it.
        ends = self._ends(place.sentence) if pause is None and says_something(spoken) else 0
        return Part(span, written, spoken, sentence.heading, ends, pause)

    def _ends(self, number: int) -> int:
        """What ends with a sentence, and with those after it of which nothing is said."""
        sentences = self._script.sentences
        ends = sentences[number].ends
        while ends < _CHAPTER and not says_something(self._speak(sentences[number + 1].text[:WINDOW].strip())):
            number += 1
            ends = max(ends, sentences[number].ends)
        return ends

    def _cut(self, text: str) -> tuple[Cut, str]:
        """The first piece of a text that is too long; shorter than the limit where it is said in more words."""
        most = min(self._limits.characters, len(text.rstrip()) - 1)
        found, spoken = self._cut_within(text, most)
        while not self._fit(spoken) and most > 1:
            length = len(text[: found.end].strip())
            over = max(len(spoken) / self._limits.characters, self._tokens(spoken) / self._limits.tokens)
            shorter, said = self._cut_within(text, most := max(1, min(most, length - 1, int(length / over))))
            if shorter.hard and not found.hard:  # too short for the first word, though there may be several
                shorter, said = self._cut_within(text, most := max(1, length - 1))
            if shorter.hard and not found.hard and self._tokens(spoken) <= self._limits.tokens:
                break  # one word that is said in so many
            found, spoken = shorter, said
        return found, spoken

    def _cut_within(self, text: str, most: int) -> tuple[Cut, str]:
        found = cut(text, most, self._limits.short)
        return found, self._speak(text[: found.end].strip())


def _spoken(parts: Sequence[Part]) -> str:
    text = parts[0].spoken
    for before, part in zip(parts, parts[1:], strict=False):
        text += _glue(before, part) + part.spoken
    return text


def _glue(part: Part, following: Part) -> str:
    if not part.ends:
        return part.written[len(part.written.rstrip()) :]
    goes_on = following.spoken[:1].islower() or part.spoken.endswith(_MARKS)
    return " " if goes_on else ". "
