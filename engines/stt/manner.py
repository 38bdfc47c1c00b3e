"""How an order is heard: the engine's settings with the job's own over them, checked against what the model can."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from engines.settings import with_changes
from engines.stt.decode.judge import Phantoms, phantoms_of
from engines.stt.decode.ladder import Rung, rungs
from engines.stt.decode.way import Way
from engines.stt.folder import Folder
from engines.stt.languages import LANGUAGES
from engines.stt.settings import SttSettings
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import Scalar

AUTO: Final = "auto"
PHRASE_SECONDS: Final = 5.0
"""What is no longer than this is one phrase, whose beginning and end are known: models hear it better when they need
not divide it. The miniature has 0.4 % word errors so, and 1.4 % with time stamps."""
_ENGLISH: Final = "en"


@dataclass(frozen=True)
class Manner:
    """As it was when the order was boarded: what is changed later is for the next."""

    settings: SttSettings
    rungs: tuple[Rung, ...]
    phantoms: Phantoms
    language: str
    """Empty where the recording has to tell."""
    deterministic: bool

    def way(self, language: str, rung: int, seconds: float) -> Way:
        """Of a window so long, after so many tries."""
        settings, (temperature, strict) = self.settings, self.rungs[rung]
        return Way(
            language,
            settings.task,
            settings.prompt,
            settings.hotwords,
            settings.beam_size,
            timestamps=seconds > PHRASE_SECONDS,
            words=settings.word_timestamps,
            temperature=temperature,
            strict=strict,
        )


class Manners:
    """Of one model. Orders of a job are alike, so that each manner is made once."""

    def __init__(self, folder: Folder) -> None:
        """Raises CannotLoad: the files do not tell which languages it knows."""
        self._folder = folder
        self._languages = folder.languages
        self._made = lru_cache(maxsize=64)(self._make)

    def check(self, settings: SttSettings) -> None:
        """Whether something can be heard so. Raises RequestFailed"""
        self._make(settings, deterministic=False)

    def of(self, settings: SttSettings, own: Mapping[str, Scalar], *, deterministic: bool) -> Manner:
        """With a job's own settings. Raises RequestFailed: it cannot be heard so."""
        taken = with_changes(settings, own, "The job") if own else settings
        return self._made(taken, deterministic=deterministic)

    def forget(self) -> None:
        """Files are read anew."""
        self._made.cache_clear()

    def _make(self, settings: SttSettings, *, deterministic: bool) -> Manner:
        language = self._language(settings)
        if settings.task == "translate" and not self._folder.multilingual:
            raise RequestFailed(
                Problem(
                    "Cannot translate",
                    f"{self._folder.name} knows English only.",
                    "Use a model of many languages, such as small or large-v3, or set task to transcribe.",
                )
            )
        return Manner(
            settings,
            rungs(settings, deterministic=deterministic),
            phantoms_of(settings.phantoms),
            language,
            deterministic,
        )

    def _language(self, settings: SttSettings) -> str:
        told = settings.language.strip().lower()
        if told not in (AUTO, "") and told not in LANGUAGES:
            code = next((code for code, name in LANGUAGES.items() if name.lower() == told), "")
            if not code:
                raise _unknown(settings.language)
            told = code
        if self._folder.multilingual:
            if told in (AUTO, ""):
                return ""
            if told not in self._languages:  # the library would leave it out, and say nothing
                raise RequestFailed(
                    Problem(
                        "Another language",
                        f"{self._folder.name} does not know {settings.language} ({LANGUAGES[told]}).",
                        "Use a newer model, such as large-v3, or set language to another.",
                    )
                )
            return told
        if told not in (AUTO, "", _ENGLISH):
            raise RequestFailed(
                Problem(
                    "Another language",
                    f"{self._folder.name} knows English only, and language is {settings.language} ({LANGUAGES[told]}).",
                    "Use a model of many languages, such as small or large-v3.",
                )
            )
        return _ENGLISH


def _unknown(told: str) -> RequestFailed:
    near = difflib.get_close_matches(told.lower(), [*LANGUAGES, *map(str.lower, LANGUAGES.values())], n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Set it to a code such as en, fr or zh, or to auto."
    return RequestFailed(Problem("Unknown language", f"Whisper knows no language {told!r}.", hint))
