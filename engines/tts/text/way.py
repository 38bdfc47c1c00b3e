"""How a document is read with these settings: in which language, by whom, in which words, in chunks of which size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engines.contract import CannotLoad, CannotPlan
from engines.tts.budget import characters
from engines.tts.checkpoint import Backend, backend_of, folder_of
from engines.tts.languages import LANGUAGES
from engines.tts.settings import TtsSettings
from engines.tts.text.alphabet import Alphabet, alphabet_of, token_bound
from engines.tts.text.cast import voices_of
from engines.tts.text.lexicon import Lexicon, lexicon_of
from engines.tts.text.packing import Limits, Packer
from engines.tts.text.script import Script
from engines.tts.text.speech import Speech
from engines.tts.text.tables import table
from ipc.errors import Problem

LEAST_CHARACTERS: Final = 40
"""Of the size of chunks; less would cut words, and Chatterbox stumbles over less."""
MOST_TOKENS: Final = 2000
"""Of a chunk's text; the model has places for 2,048, of which some are for what begins and ends it."""


@dataclass(frozen=True)
class Way:
    """`voices` are by chapter."""

    language: str
    voices: tuple[str, ...]
    speech: Speech
    packer: Packer


def way_of(script: Script, source: Path, settings: TtsSettings) -> Way:
    """How to read it.

    Raises:
        CannotPlan: the checkpoint does not speak its language, or lexicon or cast are wrong.
    """
    folder, backend = _checkpoint(settings)
    language = _language(script, source, settings, backend)
    alphabet = alphabet_of(folder, backend, language) if folder and backend else Alphabet()
    lexicon = Lexicon({})
    if settings.lexicon:
        lexicon = lexicon_of(table(settings.lexicon, source, "lexicon"), language, settings.lexicon)
    voices = (settings.voice,) * len(script.document.chapters)
    if settings.cast:
        voices = voices_of(table(settings.cast, source, "cast"), script.document, settings.voice, settings.cast)
    speech = Speech(alphabet, lexicon)
    limits = Limits(max(LEAST_CHARACTERS, characters(settings, language, script.words)), MOST_TOKENS)
    return Way(language, voices, speech, Packer(script, limits, speech.say, token_bound(backend, language)))


def _checkpoint(settings: TtsSettings) -> tuple[Path | None, Backend | None]:
    """Where the model lies and which it is; unknown where there is none, which loading it tells better."""
    try:
        folder = folder_of(settings)
        return folder, backend_of(folder, settings.backend)
    except CannotLoad:
        return None, None if settings.backend == "auto" else settings.backend


def _language(script: Script, source: Path, settings: TtsSettings, backend: Backend | None) -> str:
    given = settings.language
    wanted = script.language if given == "auto" else given
    if wanted == "en" or backend in (None, "multilingual"):
        return wanted
    if given == "auto" and not script.sure:
        return "en"
    name = LANGUAGES[wanted]
    which = "Chatterbox Turbo" if backend == "turbo" else "this Chatterbox"
    raise CannotPlan(
        Problem(
            "Wrong language",
            f"{source.name} is to be read in {name}, but {which} speaks English only."
            if given != "auto"
            else f"{source.name} is in {name}, but {which} speaks English only.",
            "Take the multilingual checkpoint (backend = multilingual), or set language to en to read it all the same.",
        )
    )
