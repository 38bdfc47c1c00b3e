"""Text to the tokens that the model reads, and what of it the model does not know."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from engines.tts.checkpoint import CANGJIE, Backend
from engines.tts.languages import LANGUAGES
from ipc.errors import Problem, RequestFailed

MOST_TOKENS: Final = 2050
"""Rows of the model's table of text positions; Turbo could take more."""
_UNKNOWN: Final = "[UNK]"
_OWN = "en"
"""What the models speak that are for one language."""
_WORSE: Final = {
    "zh": ("spacy_pkuseg", "Chinese is not cut into words, and sounds less fluent"),
    "he": ("dicta_onnx", "Hebrew is read without vowel marks, and vowels are guessed"),
    "ru": ("russian_text_stresser", "Russian is read without marks of stress, and stress is guessed"),
}
"""What the library leaves out without a word where a package is missing."""


@dataclass(frozen=True)
class Read:
    """`ids` [n] have the start and the stop where the model wants them; `text` is what is left without `unknown`."""

    ids: Tensor
    text: str
    unknown: str


class Reader:
    """Of one loaded model."""

    def __init__(self, model: Any, backend: Backend) -> None:
        self._model = model
        self._backend = backend
        self._tokenizer = model.tokenizer
        self._normal = sys.modules[type(model).__module__].punc_norm
        self._warned: set[str] = set()
        self._known: dict[tuple[str, str], bool] = {}
        """Of each character in each language; its alphabet is soon complete."""
        inner = getattr(self._tokenizer, "tokenizer", None)
        self._unknown = None if inner is None else inner.token_to_id(_UNKNOWN)

    def check_wanted(self, language: str) -> None:
        """Whether the model can speak what somebody set; a language that was only detected may be a mistake.

        Raises:
            RequestFailed: it cannot.
        """
        if language == "auto":
            return
        if self._backend != "multilingual" and language != _OWN:
            raise RequestFailed(
                Problem(
                    "Language not spoken",
                    f"This model speaks English, not {_named(language)}.",
                    "Set backend to multilingual, with a checkpoint of that.",
                )
            )
        self.check(language)

    def check(self, language: str) -> None:
        """Whether the model can speak it; what it can do only worse is said once, in the log.

        Raises:
            RequestFailed: it needs what is not there.
        """
        if self._backend != "multilingual":
            if language != _OWN:
                self._say_once(language, f"this model speaks English only, and reads {_named(language)} as if it were")
            return
        if language not in LANGUAGES:
            raise RequestFailed(
                Problem(
                    "Unknown language",
                    f"Chatterbox does not speak {language!r}.",
                    f"It speaks {', '.join(LANGUAGES)}.",
                )
            )
        if language == "ja" and not _installed("pykakasi"):
            raise RequestFailed(
                Problem(
                    "Japanese unreadable",
                    "The package pykakasi, which tells how Japanese characters are read, is not installed.",
                    "Install it in this engine's environment, or use another language.",
                )
            )
        if language == "zh" and not self._tokenizer.cangjie_converter.word2cj:
            raise RequestFailed(
                Problem(
                    "Chinese unreadable",
                    f"The checkpoint has no {CANGJIE}, with which Chinese characters are spelt.",
                    "Fetch it: hf download ResembleAI/chatterbox.",
                )
            )
        if (worse := _WORSE.get(language)) is not None and not _installed(worse[0]):
            self._say_once(language, f"{worse[1]}: {worse[0]} is not installed")

    def read(self, text: str, language: str) -> Read:
        """The tokens of a text.

        Raises:
            RequestFailed: nothing is left of it, or the language cannot be read.
        """
        self.check(language)
        ids, unknown = self._ids(text, language), ""
        if self._unknown is not None and self._unknown in ids:
            unknown = "".join(dict.fromkeys(c for c in text if not self._knows(c, language)))
            text = "".join(c for c in text if c not in unknown).strip()
            ids = self._ids(text, language)
        if not any(character.isalnum() for character in text):
            raise nothing_to_say(unknown=bool(unknown))
        if self._backend != "turbo":
            hp = self._model.t3.hp
            ids = [hp.start_text_token, *ids, hp.stop_text_token]
        return Read(torch.tensor(ids, dtype=torch.long), text, unknown)

    def _ids(self, text: str, language: str) -> list[int]:
        normal = self._normal(text)
        if self._backend == "turbo":
            return list(self._tokenizer(normal).input_ids)
        if self._backend == "multilingual":
            return list(self._tokenizer.encode(normal, language_id=language))
        return list(self._tokenizer.encode(normal))

    def _knows(self, character: str, language: str) -> bool:
        if character.isspace():
            return True
        key = character, language
        if key not in self._known:
            # A word before it, for the library ends a text that has no full stop with one.
            self._known[key] = self._unknown not in self._ids(f"a{character}.", language)
        return self._known[key]

    def _say_once(self, about: str, words: str) -> None:
        if about not in self._warned:
            self._warned.add(about)
            sys.stderr.write(f"{words}\n")


def nothing_to_say(*, unknown: bool) -> RequestFailed:
    """For a text of which nothing can be spoken."""
    known = " that the model knows" if unknown else ""
    return RequestFailed(Problem("Nothing to say", f"The text has no letter and no digit{known}.", "Give it words."))


def _named(language: str) -> str:
    return LANGUAGES.get(language, language)


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
