"""One context over loaded weights: the cache of each sequence, and the single call that computes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import llama_cpp as lib
import psutil

from engines.contract import CannotLoad, OutOfMemory
from engines.llm.batch import Batch, Stretch
from engines.llm.estimate import CACHE_TYPES, batch_capacity, cache_bytes, context_length, pass_tokens
from engines.llm.header import Header
from engines.llm.library import open_library
from engines.llm.settings import LlmSettings
from engines.llm.weights import Weights
from ipc.errors import Problem

_ABORTED, _NO_MEMORY = 2, -2
_FLASH_ATTENTION = {
    "auto": lib.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": lib.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": lib.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}


def thread_count(wanted: int) -> int:
    """0 means physical cores − 1, so that the process's own loop and its neighbours keep breathing; at least 1."""
    return wanted or max(1, (psutil.cpu_count(logical=False) or 2) - 1)


def thread_counts(settings: LlmSettings) -> tuple[int, int]:
    """For writing, and for reading prompts."""
    threads = thread_count(settings.threads)
    return threads, settings.threads_batch or threads


def parameters_for(header: Header, settings: LlmSettings) -> lib.llama_context_params:
    """How a context for these settings is made, for real or for an estimate."""
    parameters: lib.llama_context_params = lib.llama_context_default_params()
    parameters.n_ctx = context_length(header, settings) * settings.parallel
    parameters.n_batch = batch_capacity(settings)
    parameters.n_ubatch = pass_tokens(settings)
    parameters.n_seq_max = parameters.n_outputs_max = settings.parallel
    parameters.type_k, parameters.type_v = CACHE_TYPES[settings.type_k], CACHE_TYPES[settings.type_v]
    parameters.flash_attn_type = _FLASH_ATTENTION[settings.flash_attn]
    parameters.n_threads, parameters.n_threads_batch = thread_counts(settings)
    parameters.kv_unified = False
    parameters.no_perf = True
    return parameters


LONG_PROMPT = 64
"""From so many tokens of prompts in one batch on, the batch can be stopped before its end."""


class Context:
    """Room for `parallel` sequences of `length` tokens each.

    Raises:
        OutOfMemory: the cache and buffers do not fit.
        CannotLoad: the model does not write text.
    """

    def __init__(self, weights: Weights, settings: LlmSettings) -> None:
        self.length = context_length(weights.header, settings)
        self.parallel = settings.parallel
        self.capacity = batch_capacity(settings)
        """The most tokens of one `compute`."""
        library = open_library()
        if not (weights.wanted_on_gpu and library.has_gpu()):
            _check_memory(weights.header, settings)
        library.forget()
        pointer = lib.llama_init_from_model(weights.pointer, parameters_for(weights.header, settings))
        if not pointer:
            raise _no_context(settings)
        self._pointer: lib.llama_context_p | None = pointer
        self._memory = lib.llama_get_memory(pointer)
        if not self._memory:
            lib.llama_free(pointer)
            raise weights.writes_no_text()
        self._batch = Batch(self.capacity)
        recurrent = lib.llama_model_is_recurrent(weights.pointer) or lib.llama_model_is_hybrid(weights.pointer)
        self._goes_back = not recurrent
        self.states_cut = self._goes_back and not lib.llama_model_n_swa(weights.pointer)
        """Whether the end of a restored cache can be dropped: of a window, a state holds the last position only."""
        self._stop: Callable[[], bool] = _never
        self._abort = lib.ggml_abort_callback(lambda _data: self._stop())

    @property
    def pointer(self) -> lib.llama_context_p:
        """For the library's functions; using it after `close` would crash the process, so it raises instead."""
        if self._pointer is None:
            raise RuntimeError("the context was closed")
        return self._pointer

    def set_threads(self, settings: LlmSettings) -> None:
        """Take another number of threads from the next `compute` on."""
        lib.llama_set_n_threads(self.pointer, *thread_counts(settings))

    def compute(self, stretches: Sequence[Stretch], stop: Callable[[], bool]) -> list[int] | None:
        """Compute all stretches (together at most `capacity` tokens) at once.

        Returns the batch index to sample at for each stretch that asked for it, in their order, or None when `stop`
        said so: within a batch it is asked while a long prompt is read, and on a GPU only between batches.

        Raises:
            OutOfMemory
        """
        outputs = self._batch.lay(stretches)
        prompts = sum(len(stretch.tokens) for stretch in stretches) - len(stretches)
        status = self._decode(stop if prompts >= LONG_PROMPT else None)
        if status == _ABORTED:
            return None
        if status != 0:
            raise _failure(status)
        return outputs

    def advance(self, tokens: list[int], positions: list[int]) -> None:
        """Compute the next token of each stretch of the last `compute`, which had one each; sample at 0, 1, ….

        Raises:
            OutOfMemory
        """
        self._batch.advance(tokens, positions)
        if (status := lib.llama_decode(self._pointer, self._batch.raw)) != 0:
            raise _failure(status)

    def forget(self, sequence: int | None = None) -> None:
        """Empty the cache of one sequence, or of all."""
        if sequence is None:
            lib.llama_memory_clear(self._memory, False)
        else:
            lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def cuts(self, sequence: int) -> bool:
        """Whether the end of its cache can be dropped: not of a recurrent state, nor where a window has moved on."""
        return self._goes_back and bool(lib.llama_memory_seq_pos_min(self._memory, sequence) == 0)

    def cut(self, sequence: int, count: int) -> bool:
        """Keep the first `count` tokens of a sequence; where it cannot, its cache is empty afterwards."""
        if lib.llama_memory_seq_pos_max(self._memory, sequence) == count - 1:
            return True
        if self.cuts(sequence) and lib.llama_memory_seq_rm(self._memory, sequence, count, -1):
            return True
        self.forget(sequence)
        return False

    def state_bytes(self, sequence: int) -> int:
        """What `state` would take."""
        return int(lib.llama_state_seq_get_size(self.pointer, sequence))

    def state(self, sequence: int) -> bytearray:
        """What the cache of a sequence holds, exactly, for `restore`."""
        size = self.state_bytes(sequence)
        state = bytearray(size)
        if lib.llama_state_seq_get_data(self.pointer, _address(state), size, sequence) != size:
            raise RuntimeError("llama.cpp did not give the state of a sequence")
        return state

    def restore(self, sequence: int, state: bytearray, count: int) -> bool:
        """Put `count` tokens back; where the state is of another context, the cache is empty afterwards."""
        taken = lib.llama_state_seq_set_data(self.pointer, _address(state), len(state), sequence)
        if taken == len(state) and lib.llama_memory_seq_pos_max(self._memory, sequence) == count - 1:
            return True
        self.forget(sequence)
        return False

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self._pointer is not None:
            lib.llama_free(self._pointer)
            self._pointer = None

    def _decode(self, stop: Callable[[], bool] | None) -> int:
        if stop is None:
            return int(lib.llama_decode(self.pointer, self._batch.raw))
        self._stop = stop
        # Not for less: the callback costs a few hundred calls into Python each time something is computed.
        lib.llama_set_abort_callback(self.pointer, self._abort, ctypes.c_void_p(0))
        try:
            return int(lib.llama_decode(self.pointer, self._batch.raw))
        finally:
            lib.llama_set_abort_callback(self.pointer, lib.ggml_abort_callback(), ctypes.c_void_p(0))
            self._stop = _never


def _never() -> bool:
    return False


def _address(state: bytearray) -> ctypes.Array[ctypes.c_uint8]:
    """For a call; an array type of its own for each length would stay in memory for good."""
    place = ctypes.addressof(ctypes.c_uint8.from_buffer(state))
    return ctypes.cast(place, ctypes.POINTER(ctypes.c_uint8))  # type: ignore[return-value]


def _failure(status: int) -> OutOfMemory | RuntimeError:
    if status == _NO_MEMORY:
        return OutOfMemory(
            Problem("Out of memory", "There was no room to compute.", "Lower `parallel`, `n_batch` or `n_ctx`.")
        )
    return RuntimeError(f"llama_decode answered {status}: {open_library().complaint() or 'no reason given'}")


def free_bytes() -> int:
    """Host memory that can still be taken without swapping."""
    return int(psutil.virtual_memory().available)


def _check_memory(header: Header, settings: LlmSettings) -> None:
    """Refuse what surely cannot fit in host memory: the kernel would answer it by killing the process."""
    needed, free = sum(cache_bytes(header, settings)), free_bytes()
    if needed > free:
        tokens = context_length(header, settings) * settings.parallel
        raise OutOfMemory(
            Problem(
                "Out of memory",
                f"A cache of {tokens} tokens takes {needed / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free.",
                "Lower `n_ctx` or `parallel`.",
            )
        )


def _no_context(settings: LlmSettings) -> CannotLoad | OutOfMemory:
    library = open_library()
    said = library.complaint() or "the library gave no reason"
    if library.ran_out_of_memory():
        return OutOfMemory(
            Problem(
                "Out of memory",
                f"n_ctx {settings.n_ctx} × parallel {settings.parallel}: {said}.",
                "Lower `n_ctx` or `parallel`.",
            )
        )
    return CannotLoad(Problem("No context", f"The library refused these settings: {said}.", "Change them back."))
