"""The library's own model from a checkpoint, on the CPU: told how far it is, and given up between its parts."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from engines.contract import CannotLoad, LoadCancelled, Progress
from engines.tts.alive import alive
from engines.tts.checkpoint import Backend, Checkpoint
from engines.tts.library import prepare
from engines.tts.miniature.shrink import Sizes, shrink, sizes_of
from engines.tts.tensorfile import tensors_of
from engines.tts.trouble import lacks_memory
from ipc.errors import Problem

_CLASSES: Final[dict[Backend, tuple[str, str]]] = {
    "english": ("chatterbox.tts", "ChatterboxTTS"),
    "multilingual": ("chatterbox.mtl_tts", "ChatterboxMultilingualTTS"),
    "turbo": ("chatterbox.tts_turbo", "ChatterboxTurboTTS"),
}
_PARTS: Final = {"VoiceEncoder": 0.1, "T3": 0.12, "S3Gen": 0.6}
"""Made in this order, and how much of the load lies before each."""
BUILT: Final = 0.85
"""So much of the load is done when all parts are made."""
_sizes: list[Sizes | None] = []
"""What this process was made for, once something was loaded."""
_REINSTALL: Final = "Make this engine's environment anew: engineroom env sync tts."


def library_model(checkpoint: Checkpoint, progress: Progress) -> Any:
    """An instance of the library's class for this backend, with its weights as they are in the files.

    Raises:
        CannotLoad, LoadCancelled
    """
    module = _library(checkpoint)
    _complete(checkpoint)
    made = getattr(module, _CLASSES[checkpoint.backend][1])
    try:
        with (
            _told(module, progress),
            _undrawn(),
            _spelling(checkpoint),
            contextlib.redirect_stdout(io.StringIO()),
            alive(progress.step),  # reading gigabytes from a slow disk takes minutes, and tells nothing
        ):
            return made.from_local(checkpoint.path, "cpu")
    except LoadCancelled:
        raise
    except MemoryError:
        raise
    except (RuntimeError, ValueError, KeyError, AssertionError, OSError, EOFError) as error:
        if lacks_memory(error):
            raise
        raise CannotLoad(
            Problem(
                "Model refused",
                f"{checkpoint.path} does not fit the {checkpoint.backend} Chatterbox: {_first_line(error)}.",
                "Fetch the checkpoint again, or set backend to what it is.",
            )
        ) from error


def _library(checkpoint: Checkpoint) -> ModuleType:
    try:
        _fit(sizes_of(checkpoint.path))
        prepare()
        perth = import_module("perth")
        module = import_module(_CLASSES[checkpoint.backend][0])
    except (ImportError, OSError) as error:
        raise CannotLoad(
            Problem("No chatterbox", f"chatterbox-tts cannot be used: {_first_line(error)}.", _REINSTALL)
        ) from error
    if perth.PerthImplicitWatermarker is None:  # what it becomes where setuptools is too new for it
        raise CannotLoad(Problem("No watermark", "perth, which marks the sound, could not be imported.", _REINSTALL))
    return module


def _fit(sizes: Sizes | None) -> None:
    """The library's classes get their sizes once in a process.

    Raises:
        CannotLoad: they have others already.
    """
    if _sizes and _sizes[0] != sizes:
        raise CannotLoad(
            Problem(
                "Another size",
                "This process has loaded a model of another size, and the library has only one.",
                "Restart the engine.",
            )
        )
    if not _sizes:
        if sizes is not None:
            shrink(sizes)
        _sizes.append(sizes)


def _complete(checkpoint: Checkpoint) -> None:
    """The library takes a part for sound that lacks weights, and would speak with numbers drawn at random."""
    if checkpoint.backend != "english":
        return
    names = tensors_of(checkpoint.path / checkpoint.files.sound)
    if not any(name.startswith("mel2wav.") for name in names) or not any(name.startswith("flow.") for name in names):
        raise CannotLoad(
            Problem(
                "Model refused",
                f"{checkpoint.path / checkpoint.files.sound} lacks weights of the flow or the vocoder.",
                "Fetch the checkpoint again.",
            )
        )


@contextmanager
def _told(module: ModuleType, progress: Progress) -> Iterator[None]:
    """Say how far it is before each part is made, and stop there when it is not wanted any more."""
    kept = {name: getattr(module, name) for name in _PARTS}
    try:
        for name, share in _PARTS.items():
            setattr(module, name, _announced(kept[name], share, progress))
        yield
    finally:
        for name, made in kept.items():
            setattr(module, name, made)


def _announced(made: Callable[..., Any], share: float, progress: Progress) -> Callable[..., Any]:
    def make(*arguments: object, **named: object) -> Any:
        progress.loading(share)
        if progress.cancelled():
            raise LoadCancelled
        return made(*arguments, **named)

    return make


def _undrawn() -> contextlib.AbstractContextManager[None]:
    """No weight is drawn at random only to be replaced: at full size that took 9 s of 13."""
    context: contextlib.AbstractContextManager[None] = import_module("transformers.initialization").no_init_weights()
    return context


@contextmanager
def _spelling(checkpoint: Checkpoint) -> Iterator[None]:
    """The library looks for the spelling of Chinese on the hub; it lies beside the checkpoint."""
    tokenizer = import_module("chatterbox.models.tokenizers.tokenizer")
    kept = tokenizer.hf_hub_download
    tokenizer.hf_hub_download = lambda **named: str(checkpoint.path / named["filename"])  # type: ignore[attr-defined]
    try:
        yield
    finally:
        tokenizer.hf_hub_download = kept  # type: ignore[attr-defined]


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".:") if str(error).strip() else type(error).__name__
