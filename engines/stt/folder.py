"""A Whisper in CTranslate2's form: where it lies, that it is whole, and what its files tell of it.

Nothing is loaded, and no model library imported: the desk and the appraisal read it as the engine does.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from engines.contract import CannotLoad
from engines.hubcache import hub_folder
from engines.identity import identity_of
from engines.stt.hub import repository_of, short_name, snapshots
from engines.stt.languages import LANGUAGES
from engines.stt.settings import MINIATURE, SttSettings
from engines.stt.unit import RATE
from engines.stt.weights import Tensor, tensors_of
from ipc.errors import Problem
from ipc.places import data_folder, models_folder

WEIGHTS, TOKENIZER, CONFIG, PREPROCESSOR = "model.bin", "tokenizer.json", "config.json", "preprocessor_config.json"
_VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")
_MULTILINGUAL_TOKENS: Final = 51865
"""From so many tokens on, CTranslate2 takes a Whisper for one of many languages."""
_WINDOW_SECONDS: Final = 30
_MELS: Final = 80
_FRAMES_PER_SECOND: Final = 100
_CODE: Final = re.compile(rb'"<\|([a-z]{2,3})\|>"')


class _Preprocessor(Struct, frozen=True):
    """What preprocessor_config.json says, as far as it matters; what it leaves out is as Whisper began."""

    feature_size: int = _MELS
    chunk_length: int = _WINDOW_SECONDS
    sampling_rate: int = RATE


@dataclass(frozen=True)
class Folder:
    """A folder that was looked into, whole."""

    path: Path
    name: str
    """What people call it."""
    window_seconds: float
    """The longest stretch that it hears at once."""
    mels: int
    """Bands of frequencies that it hears."""
    vocabulary: int
    """Tokens that it knows."""

    @property
    def multilingual(self) -> bool:
        """Whether it knows more than English."""
        return self.vocabulary >= _MULTILINGUAL_TOKENS

    @property
    def window_frames(self) -> int:
        """Hundredths of a second in a window."""
        return round(self.window_seconds * _FRAMES_PER_SECOND)

    @property
    def window_samples(self) -> int:
        """At 16 kHz."""
        return round(self.window_seconds * RATE)

    @property
    def weights(self) -> Path:
        """The file with the numbers."""
        return self.path / WEIGHTS

    @cached_property
    def languages(self) -> frozenset[str]:
        """The codes that it has tokens for. Raises CannotLoad"""
        try:
            told = (self.path / TOKENIZER).read_bytes()
        except OSError as error:
            raise CannotLoad(
                Problem("Model unreadable", f"{self.path / TOKENIZER}: {error.strerror}.", "Check its permissions.")
            ) from error
        return frozenset(LANGUAGES).intersection(code.decode() for code in _CODE.findall(told))

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """By name, as the file has them."""
        return tensors_of(self.weights)

    def identity(self) -> str:
        """Of all its files: a replaced one is another model."""
        return identity_of(self.path / name for name in (WEIGHTS, TOKENIZER, CONFIG, PREPROCESSOR, *_VOCABULARIES))


def found(settings: SttSettings) -> Folder:
    """The model that the settings mean.

    Raises:
        CannotLoad: it is not there, is no Whisper of CTranslate2, or a file of it is missing or cut short.
    """
    path, name = _place(settings.model)
    return read(path, name)


def read(path: Path, name: str) -> Folder:
    """The model in that folder, which people call `name`. Raises CannotLoad as `found`."""
    if not os.path.isdir(path):
        raise CannotLoad(Problem("Model missing", f"There is no folder {path}.", _WHERE))
    for file in (WEIGHTS, CONFIG, TOKENIZER):
        if not (path / file).is_file():
            raise CannotLoad(Problem("Model incomplete", f"{path} has no {file}.", _hint(file)))
    if not any((path / file).is_file() for file in _VOCABULARIES):
        raise CannotLoad(Problem("Model incomplete", f"{path} has no {_VOCABULARIES[0]}.", _hint("")))
    try:
        told = _preprocessor(path / PREPROCESSOR)
        tensors = tensors_of(path / WEIGHTS)
    except OSError as error:
        raise CannotLoad(
            Problem("Model unreadable", f"{error.filename}: {error.strerror}.", "Check its permissions.")
        ) from error
    try:
        heard, tokens = tensors["encoder/conv1/weight"].shape[1], tensors["decoder/embeddings/weight"].shape[0]
    except (KeyError, IndexError) as error:
        raise CannotLoad(
            Problem("Not a Whisper model", f"{path / WEIGHTS} lacks {error}.", "Fetch or convert the model again.")
        ) from error
    if told.feature_size != heard:
        raise CannotLoad(
            Problem(
                "Model incomplete",
                f"{path} hears {heard} bands of frequencies, and its {PREPROCESSOR} tells {told.feature_size}.",
                f"Copy {PREPROCESSOR} of the same model into it.",
            )
        )
    return Folder(path, name, float(min(told.chunk_length, _WINDOW_SECONDS)), heard, tokens)


_WHERE: Final = "Set model to a folder, a name in the data folder, or one such as small that was fetched before."


def _hint(file: str) -> str:
    whole = "Fetch or convert the model again, with all of its files."
    return f"{whole} The converter copies it with --copy_files {file}." if file == TOKENIZER else whole


def _preprocessor(path: Path) -> _Preprocessor:
    """Raises CannotLoad: it is damaged, or made for another rate. OSError"""
    try:
        told = msgspec.json.decode(path.read_bytes(), type=_Preprocessor)
    except FileNotFoundError:  # older models have none
        return _Preprocessor()
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise CannotLoad(Problem("Model damaged", f"{path}: {error}.", "Fetch the model again.")) from error
    if told.sampling_rate != RATE or not told.chunk_length > 0:
        raise CannotLoad(
            Problem(
                "Model refused",
                f"{path} asks for {told.sampling_rate:,} samples a second in pieces of {told.chunk_length} s.",
                f"Use a Whisper, which hears {RATE:,} samples a second.",
            )
        )
    return told


def _place(model: str) -> tuple[Path, str]:
    """Where it lies, and what people call it.

    Raises:
        CannotLoad: it lies nowhere.
    """
    if model == MINIATURE:
        return Path(__file__).parent / "miniature" / "model", MINIATURE
    if model.startswith(("~", ".", os.sep)):
        path = Path(os.path.expanduser(model))
        return path, path.name
    own = models_folder(data_folder(os.environ)) / model
    if os.path.isdir(own):
        return own, model
    if not (repository := repository_of(model)):
        raise CannotLoad(
            Problem("Model missing", f"There is no folder {own}, and {model!r} is no name on the hub.", _WHERE)
        )
    revisions = snapshots(repository, os.environ)
    whole = (path for path in revisions if (path / WEIGHTS).is_file() and (path / TOKENIZER).is_file())
    if (fetched := next(whole, revisions[0] if revisions else None)) is not None:
        return fetched, model if model != repository else short_name(repository)
    raise CannotLoad(
        Problem(
            "Model missing",
            f"{repository} was not fetched: it is not in {hub_folder(os.environ)}, and there is no {own}.",
            f"Fetch it once: hf download {repository}.",
        )
    )
