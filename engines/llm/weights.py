"""The weights of one model: loaded with progress, cancellable, and given back by `close`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp as lib

from engines.contract import CannotLoad, LoadCancelled, OutOfMemory, Report
from engines.llm import told
from engines.llm.files import ModelFile
from engines.llm.library import open_library
from engines.llm.settings import LlmSettings
from engines.llm.split import shares
from engines.llm.vocabulary import Vocabulary
from ipc.errors import Problem

_LOAD_MODES = {
    (True, True): lib.LLAMA_LOAD_MODE_MMAP_MLOCK,
    (True, False): lib.LLAMA_LOAD_MODE_MMAP,
    (False, True): lib.LLAMA_LOAD_MODE_MLOCK,
    (False, False): lib.LLAMA_LOAD_MODE_NONE,
}
"""By `mmap` and `mlock`."""


class Weights:
    """Loads at construction.

    Raises:
        CannotLoad: the file is of an architecture that the library does not know, or `tensor_split` is none.
        OutOfMemory, LoadCancelled
    """

    def __init__(self, file: ModelFile, settings: LlmSettings, report: Report) -> None:
        path, self.header = file.path, file.header
        self.name = self.header.name or path.stem
        asked = settings.layers_on_gpu(self.header.pieces)
        self.wanted_on_gpu = self.header.pieces if asked is None else asked
        """Pieces that should lie on GPUs."""
        cancelled = False

        def progress(fraction: float, _data: object) -> bool:
            nonlocal cancelled
            report.loading(fraction)
            cancelled = cancelled or report.cancelled()
            return not cancelled

        parameters = lib.llama_model_default_params()
        parameters.n_gpu_layers = self.wanted_on_gpu
        if split := shares(settings):
            parameters.tensor_split = (ctypes.c_float * lib.llama_max_devices())(*split)
        if settings.main_gpu >= 0:
            parameters.split_mode, parameters.main_gpu = lib.LLAMA_SPLIT_MODE_NONE, settings.main_gpu
        parameters.load_mode = _LOAD_MODES[settings.mmap, settings.mlock]
        callback = lib.llama_progress_callback(progress)
        parameters.progress_callback = callback
        library = open_library()
        library.forget()
        with library.hearing() as heard:
            pointer = lib.llama_model_load_from_file(str(path).encode(), parameters)
        if cancelled:
            if pointer:
                lib.llama_model_free(pointer)
            raise LoadCancelled
        if not pointer:
            raise _not_loaded(path)
        self._pointer: lib.llama_model_p | None = pointer
        self.layers_on_gpu = told.layers_on_gpu(heard) if library.has_gpu() else 0
        """Pieces that lie there; None where the library does not tell."""
        template = lib.llama_model_chat_template(pointer, None)
        self.chat_template = template.decode("utf-8", "replace") if template else None
        if not writes_text(pointer):
            self.close()
            raise self.writes_no_text()
        self.vocabulary = Vocabulary(lib.llama_model_get_vocab(pointer))

    @property
    def pointer(self) -> lib.llama_model_p:
        """For the library's functions; using it after `close` would crash the process, so it raises instead."""
        if self._pointer is None:
            raise RuntimeError("the weights were closed")
        return self._pointer

    def writes_no_text(self) -> CannotLoad:
        """For a model that does not continue a text token by token; the library would abort the process."""
        return CannotLoad(Problem("Not a language model", f"{self.name} writes no text.", "Choose another model."))

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self._pointer is not None:
            lib.llama_model_free(self._pointer)
            self._pointer = None


def writes_text(pointer: lib.llama_model_p) -> bool:
    """Whether a loaded model continues text token by token; for another, a context can abort the process."""
    words = lib.llama_vocab_type(lib.llama_model_get_vocab(pointer)) != lib.LLAMA_VOCAB_TYPE_NONE
    return words and not lib.llama_model_has_encoder(pointer) and not lib.llama_model_is_diffusion(pointer)


def _not_loaded(path: Path) -> CannotLoad | OutOfMemory:
    library = open_library()
    said = library.complaint() or "the library gave no reason"
    if library.ran_out_of_memory():
        return OutOfMemory(
            Problem(
                "Out of memory", f"{path.name}: {said}.", "Choose a smaller quantization, or unload another engine."
            )
        )
    return CannotLoad(Problem("Model refused", f"{path.name}: {said}.", "Choose a model that this llama.cpp can load."))
