"""The loaded model: texts to tokens with `tokenizers`, tokens to vectors with onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import onnxruntime as lib
import psutil
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as failures
from tokenizers import Tokenizer

from engines.contract import CannotLoad, OutOfMemory
from engines.embed.folder import PROBE, ModelFolder
from ipc.errors import Problem

Floats: TypeAlias = NDArray[np.float32]

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_FAILURES = (
    failures.Fail, failures.RuntimeException, failures.InvalidProtobuf, failures.InvalidGraph,
    failures.InvalidArgument, failures.NoSuchFile, failures.NoModel, failures.EPFail, failures.NotImplemented,
)  # fmt: skip
_MEMORY = ("failed to allocate", "out of memory", "bad_alloc", "cudaerrormemoryallocation")
_LEAST_COSINE = 0.999
"""Between the vector of the probe now and when the model was made; another provider or thread count differs by 1e-6."""


class Tokens(NamedTuple):
    """One text as the model reads it; `cut` where its end was left out."""

    ids: list[int]
    cut: bool


class Encoder:
    """Loads at construction.

    Raises:
        CannotLoad: a file is damaged.
        OutOfMemory
    """

    def __init__(self, folder: ModelFolder, threads: int, max_tokens: int, *, on_gpu: bool) -> None:
        self.folder = folder
        self._tokenizer = _tokenizer(folder)
        self._probe: list[int] = self._tokenizer.encode(PROBE).ids
        self.shorten(max_tokens)
        self._session: lib.InferenceSession | None = _session(folder, thread_count(threads), on_gpu=on_gpu)
        self.on_gpu = self._session.get_providers()[0] == CUDA

    @property
    def dimensions(self) -> int:
        """Numbers of a vector."""
        return self.folder.manifest.dimensions

    def shorten(self, max_tokens: int) -> None:
        """Cut texts there from now on, but not beyond what the model was made for; 0 means there."""
        most = self.folder.manifest.max_tokens
        self._tokenizer.enable_truncation(min(max_tokens or most, most))

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Each text as the model reads it."""
        if self.folder.manifest.lowercase:
            texts = [text.lower() for text in texts]
        found = self._tokenizer.encode_batch_fast(texts)
        return [Tokens(one.ids, bool(one.overflowing)) for one in found]

    def vectors(self, ids: Sequence[Sequence[int]]) -> Floats:
        """One run: a vector for each, [texts, dimensions].

        Raises:
            OutOfMemory
        """
        longest = max(map(len, ids))
        padded = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros_like(padded)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = one
            mask[row, : len(one)] = 1
        assert self._session is not None, "the model was closed"
        try:
            (found,) = self._session.run(["embeddings"], {"input_ids": padded, "attention_mask": mask})
        except _FAILURES as error:
            if _is_memory(error):
                raise _out_of_memory(error) from error
            raise
        return np.asarray(found, np.float32)

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        self._session = None

    def prove(self) -> None:
        """Compute one real vector.

        Raises:
            CannotLoad: it is not what it was when the model was made.
            OutOfMemory
        """
        vector, meant = self.vectors([self._probe])[0], np.array(self.folder.manifest.probe, np.float32)
        if vector.shape != meant.shape or not cosine(vector, meant) >= _LEAST_COSINE:
            raise CannotLoad(
                Problem(
                    "Model damaged",
                    f"{self.folder.path} makes other vectors than when it was made.",
                    "Make it again: engineroom models import FOLDER.",
                )
            )


def thread_count(wanted: int) -> int:
    """0 means physical cores − 1, so that the process's own loop and its neighbours keep breathing; at least 1."""
    return wanted or max(1, (psutil.cpu_count(logical=False) or 2) - 1)


def cosine(one: Floats, other: Floats) -> float:
    """Of the angle between two vectors; NaN where one is no vector."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def has_gpu_support() -> bool:
    """Whether this build of the library can use a GPU at all."""
    return CUDA in lib.get_available_providers()


def _tokenizer(folder: ModelFolder) -> Any:
    try:
        tokenizer = Tokenizer.from_file(str(folder.tokenizer))
    except Exception as error:  # the library raises nothing narrower
        raise CannotLoad(
            Problem("Model refused", f"{folder.tokenizer}: {error}.", "Make it again: engineroom models import FOLDER.")
        ) from error
    tokenizer.no_padding()
    return tokenizer


def _session(folder: ModelFolder, threads: int, *, on_gpu: bool) -> lib.InferenceSession:
    options = lib.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait take the processor from every other engine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = [CUDA, CPU] if on_gpu and has_gpu_support() else [CPU]
    try:
        return lib.InferenceSession(str(folder.graph), options, providers=providers)
    except _FAILURES as error:
        if _is_memory(error):
            raise _out_of_memory(error) from error
        raise CannotLoad(
            Problem(
                "Model refused",
                f"{folder.graph}: {_first_line(error)}.",
                "Make it again: engineroom models import FOLDER.",
            )
        ) from error


def _is_memory(error: Exception) -> bool:
    return any(word in str(error).lower() for word in _MEMORY)


def _out_of_memory(error: Exception) -> OutOfMemory:
    hint = "Lower `batch_size`, or unload another engine."
    return OutOfMemory(Problem("Out of memory", f"{_first_line(error)}.", hint))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
