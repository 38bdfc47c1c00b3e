"""The text alone, in paragraphs where the speaker paused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from engines.stt.output.spaces import gap, tidy
from ipc.hearing import Segment

PAUSE_SECONDS: Final = 2.0
"""A silence this long ends a paragraph."""
LONG_CHARACTERS: Final = 600
"""A paragraph of so many ends at the next sentence's end with any silence of `BREATH_SECONDS` after it."""
BREATH_SECONDS: Final = 0.5
_ENDS: Final = (".", "!", "?", "…", "。", "！", "？", '."', '?"', '!"', ".”", "?”", "!”", "」")


def text(segments: Iterable[Segment]) -> Iterator[str]:
    """Paragraphs with an empty line between them, in pieces; nothing where nobody spoke."""
    before: Segment | None = None
    characters = 0
    for segment in segments:
        said = tidy(segment.text)
        if not said:
            continue
        if before is not None:
            ends = _ends_paragraph(before, segment, characters)
            yield "\n\n" if ends else gap(before.text, segment.text)
            characters = 0 if ends else characters
        yield said
        characters += len(said)
        before = segment
    if before is not None:
        yield "\n"


def _ends_paragraph(before: Segment, after: Segment, characters: int) -> bool:
    silence = after.begin - before.end
    if silence >= PAUSE_SECONDS:
        return True
    return characters >= LONG_CHARACTERS and silence >= BREATH_SECONDS and tidy(before.text).endswith(_ENDS)
