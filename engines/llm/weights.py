"""The weights of one model: loaded with progress, cancellable, and given back by `close`."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp as lib

from engines.contract import CannotLoad, LoadCancelled, OutOfMemory, Report
from engines.llm import gguf
from engines.llm.library import open_library
from engines.llm.settings import MINIATURE, LlmSettings
from engines.llm.vocabulary import Vocabulary
from ipc.errors import Problem


def path_of(settings: LlmSettings) -> Path:
    """The file that `model` names; `~` is the home folder."""
    if settings.model == MINIATURE:
        return Path(__file__).with_name("miniature") / "miniature-f16.gguf"
    return Path(settings.model).expanduser()


class Weights:
    """Loads at construction.

    Raises:
        CannotLoad: the file is missing, truncated, or of an architecture that the library does not know.
        OutOfMemory, LoadCancelled
    """

    def __init__(self, settings: LlmSettings, report: Report) -> None:
        path = path_of(settings)
        gguf.check(path)
        cancelled = False

        def progress(fraction: float, _data: object) -> bool:
            nonlocal cancelled
            report.loading(fraction)
            cancelled = cancelled or report.cancelled()
            return not cancelled

        parameters = lib.llama_model_default_params()
        parameters.n_gpu_layers = settings.n_gpu_layers
        parameters.load_mode = lib.LLAMA_LOAD_MODE_MMAP if settings.mmap else lib.LLAMA_LOAD_MODE_NONE
        callback = lib.llama_progress_callback(progress)
        parameters.progress_callback = callback
        library = open_library()
        library.forget()
        pointer = lib.llama_model_load_from_file(str(path).encode(), parameters)
        if cancelled:
            if pointer:
                lib.llama_model_free(pointer)
            raise LoadCancelled
        if not pointer:
            raise _not_loaded(path)
        self._pointer: lib.llama_model_p | None = pointer
        vocabulary = lib.llama_model_get_vocab(pointer)
        self.name = self._text(b"general.name") or path.stem
        self.quantization = _quantization(lib.llama_model_ftype(pointer))
        template = lib.llama_model_chat_template(pointer, None)
        self.chat_template = template.decode("utf-8", "replace") if template else None
        self.trained_context = lib.llama_model_n_ctx_train(pointer)
        """Tokens the model was trained to see at once."""
        without_words = lib.llama_vocab_type(vocabulary) == lib.LLAMA_VOCAB_TYPE_NONE
        if without_words or lib.llama_model_has_encoder(pointer) or lib.llama_model_is_diffusion(pointer):
            self.close()
            raise self.writes_no_text()
        self.vocabulary = Vocabulary(vocabulary)

    @property
    def pointer(self) -> lib.llama_model_p:
        """For the library's functions; using it after `close` would crash the process, so it raises instead."""
        if self._pointer is None:
            raise RuntimeError("the weights were closed")
        return self._pointer

    def cache_bytes_per_token(self) -> int:
        """Key and value bytes that one token of context takes, at 16 bits."""
        layers, heads = lib.llama_model_n_layer(self.pointer), max(lib.llama_model_n_head(self.pointer), 1)
        values = lib.llama_model_n_head_kv(self.pointer) * (lib.llama_model_n_embd(self.pointer) // heads)
        return 2 * 2 * int(layers * values)

    def writes_no_text(self) -> CannotLoad:
        """For a model that does not continue a text token by token; the library would abort the process."""
        return CannotLoad(Problem("Not a language model", f"{self.name} writes no text.", "Choose another model."))

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self._pointer is not None:
            lib.llama_model_free(self._pointer)
            self._pointer = None

    def _text(self, key: bytes) -> str:
        buffer = ctypes.create_string_buffer(256)
        count = lib.llama_model_meta_val_str(self.pointer, key, buffer, len(buffer))
        return buffer.value.decode("utf-8", "replace").strip() if count > 0 else ""


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


def _quantization(ftype: int) -> str | None:
    """`Q4_K_M` from the library's `Q4_K - Medium`; None where it had to guess."""
    name = lib.llama_ftype_name(ftype)
    if not name or name.startswith((b"(guessed)", b"unknown")):
        return None
    text: str = name.decode("ascii", "replace").removeprefix("all ")
    for long, short in ((" - Small", "_S"), (" - Medium", "_M"), (" - Large", "_L")):
        text = text.replace(long, short)
    return text.split(" ")[0]
