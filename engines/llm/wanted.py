"""What settings mean in the end: files that are there, one that was made here, or one that is still to be made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engines.appraisal import Level
from engines.llm.cache import entry_of, look
from engines.llm.files import ModelFile, NoFileAt, found
from engines.llm.levels import rank
from engines.llm.settings import LlmSettings

MADE: Final[dict[Level, tuple[int, str]]] = {"q4": (15, "Q4_K_M"), "q8": (7, "Q8_0"), "q16": (1, "F16")}
"""What is made for a level: `general.file_type`, and its name. Nothing is made for q32: nothing is finer."""


@dataclass(frozen=True)
class ToMake:
    """A level without a file, which can be made of `source`, the finest file of the model."""

    source: ModelFile
    level: Level
    entry: Path
    """Its folder in the cache, once it is made."""

    @property
    def file_type(self) -> int:
        return MADE[self.level][0]

    @property
    def file_name(self) -> str:
        """Such as `miniature-Q4_K_M.gguf`."""
        name = self.source.header.name or self.source.path.stem
        safe = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in name)[:80]
        return f"{safe.strip('.-') or 'model'}-{MADE[self.level][1]}.gguf"


def wanted(settings: LlmSettings) -> tuple[ModelFile, ...] | ToMake:
    """As `found`, but a level that has no file may lie in the cache, or is to be made.

    Raises:
        CannotLoad: as `found`; NoFileAt where no file is finer than the level asked for.
    """
    try:
        return found(settings)
    except NoFileAt as none:
        level, source = settings.quantization, none.files[0]
        if level == "auto" or level not in MADE or rank(source.header.level) <= rank(level):
            raise
        wish = to_make(source, level)
        made = look(wish.entry)
        return wish if made is None else (made,)


def to_make(source: ModelFile, level: Level) -> ToMake:
    """The wish for that level of the source."""
    return ToMake(source, level, entry_of(source, level))
