"""What is spoken of the text that a person typed, as if it stood in a document."""

from __future__ import annotations

from pathlib import Path

from engines.contract import CannotPlan
from engines.tts.checkpoint import Checkpoint
from engines.tts.settings import TtsSettings
from engines.tts.text.alphabet import alphabet_of
from engines.tts.text.detect import detected
from engines.tts.text.lexicon import Lexicon, lexicon_of
from engines.tts.text.normal import clean
from engines.tts.text.speech import Speech
from engines.tts.text.tables import table
from ipc.errors import RequestFailed


class Wording:
    """For one checkpoint."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def language(self, text: str, asked: str) -> str:
        """As asked for; where that is `auto`, what the text is in, for a model that speaks several."""
        if asked != "auto":
            return asked
        return detected(text).language if self._checkpoint.backend == "multilingual" else "en"

    def spoken(self, text: str, language: str, settings: TtsSettings) -> tuple[str, str]:
        """What is said of it, and the characters that cannot be.

        Raises:
            RequestFailed: the lexicon cannot be read.
        """
        lexicon = Lexicon({})
        if settings.lexicon:
            try:
                told = table(settings.lexicon, Path.cwd() / "text", "lexicon")
                lexicon = lexicon_of(told, language, settings.lexicon)
            except CannotPlan as error:
                raise RequestFailed(error.problem) from error
        speech = Speech(alphabet_of(self._checkpoint.path, self._checkpoint.backend, language), lexicon)
        written = clean(text)
        return speech.say(written), speech.left_out(written)
