"""A load in which the library takes no memory and says in its log how much it would have taken."""

from __future__ import annotations

from pathlib import Path

import llama_cpp as lib

from engines.llm import told
from engines.llm.context import parameters_for
from engines.llm.estimate import Buffers
from engines.llm.header import Header
from engines.llm.library import open_library
from engines.llm.settings import LlmSettings
from engines.llm.weights import writes_text


class Rehearsal:
    """One file, opened at construction for any number of `buffers`; a file that the library refuses has none."""

    def __init__(self, path: Path, header: Header) -> None:
        self._header = header
        parameters = lib.llama_model_default_params()
        parameters.no_alloc = True
        parameters.load_mode = lib.LLAMA_LOAD_MODE_NONE
        parameters.n_gpu_layers = 0
        library = open_library()
        library.forget()
        self._pointer = lib.llama_model_load_from_file(str(path).encode(), parameters)
        self._complaint = "" if self._pointer else library.complaint() or "the library gives no reason"

    def complaint(self) -> str:
        """Why the library does not load the file; empty if it does."""
        return self._complaint

    def buffers(self, settings: LlmSettings) -> Buffers | None:
        """What a context for these settings would take; None where the library makes none, or does not tell."""
        # For a model that writes no text the library would abort the process.
        if not self._pointer or not writes_text(self._pointer):
            return None
        with open_library().hearing() as heard:
            context = lib.llama_init_from_model(self._pointer, parameters_for(self._header, settings))
        if not context:
            return None
        lib.llama_free(context)
        compute, cache = told.compute_bytes(heard), told.cache_bytes(heard)
        return None if compute is None or cache is None else Buffers(compute, cache)

    def close(self) -> None:
        """Give the vocabulary back; a second call does nothing."""
        if self._pointer:
            lib.llama_model_free(self._pointer)
            self._pointer = None
