"""LoRA adapters over loaded weights: read for a context, and given back after it."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp as lib

from engines.llm.library import open_library
from engines.llm.lora import bad_lora, lora_files
from engines.llm.settings import LlmSettings
from engines.llm.weights import Weights


class Adapters:
    """Reads those that `lora` names at construction, before the context that is to use them is made.

    Raises:
        CannotLoad: one is missing, broken, or made for another model.
    """

    def __init__(self, weights: Weights, settings: LlmSettings) -> None:
        self._pointers: list[Any] = []
        self._scales: list[float] = []
        library = open_library()
        try:
            for file in lora_files(settings):
                library.forget()
                pointer = lib.llama_adapter_lora_init(weights.pointer, str(file.path).encode())
                if not pointer:
                    raise bad_lora(f"{file.path.name}: {library.complaint() or 'the library does not say why'}")
                self._pointers.append(pointer)
                self._scales.append(file.scale)
        except BaseException:
            self.close()
            raise

    def lay_over(self, context: lib.llama_context_p) -> None:
        """Let this context compute with them.

        Raises:
            CannotLoad
        """
        count = len(self._pointers)
        pointers = (lib.llama_adapter_lora_p_ctypes * count)()
        pointers[:] = self._pointers
        if lib.llama_set_adapters_lora(context, pointers, count, (ctypes.c_float * count)(*self._scales)):
            raise bad_lora("the library does not say why")

    def close(self) -> None:
        """Give the memory back, once no context uses them; a second call does nothing."""
        while self._pointers:
            lib.llama_adapter_lora_free(self._pointers.pop())
