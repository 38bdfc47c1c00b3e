"""How well a model foretells a known text: the exponential of the mean surprise at each of its tokens, in nats.

Measured on the CPU, because a GPU's memory was claimed for nobody here.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from pathlib import Path

import llama_cpp as lib
import numpy
import psutil

from engines.llm import gguf
from engines.llm.context import thread_count
from engines.llm.library import open_library
from engines.llm.vocabulary import Vocabulary
from engines.llm.weights import writes_text

TOKENS = 256
"""Of the text, at most."""
_BATCH = 32


def known_text() -> str:
    """A page of the standard library's documentation; empty where Python came without it."""
    try:
        topics = importlib.import_module("pydoc_data.topics").topics
    except ImportError:
        return ""
    return str(topics.get("typesseq", ""))


def perplexity(path: Path, threads: int, step: Callable[[float], None]) -> tuple[float, int] | None:
    """The perplexity and the number of tokens foretold; None where the model does not fit into free memory, writes no
    text, or there is nothing to measure it on. `step` hears how far it is, 0..1.
    """
    if sum(shard.stat().st_size for shard in gguf.shards(path)) > psutil.virtual_memory().available:
        return None
    open_library()
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = 0
    model = lib.llama_model_load_from_file(str(path).encode(), parameters)
    if not model:
        return None
    try:
        if not writes_text(model):
            return None
        vocabulary = Vocabulary(lib.llama_model_get_vocab(model))
        tokens = vocabulary.tokens(known_text())[:TOKENS]
        context = lib.llama_init_from_model(model, _parameters(threads))
        if not context:
            return None
        try:
            return _measured(context, tokens, vocabulary.size, step) if len(tokens) > _BATCH else None
        finally:
            lib.llama_free(context)
    finally:
        lib.llama_model_free(model)


def _parameters(threads: int) -> lib.llama_context_params:
    parameters: lib.llama_context_params = lib.llama_context_default_params()
    parameters.n_ctx = TOKENS
    parameters.n_batch = parameters.n_ubatch = parameters.n_outputs_max = _BATCH
    parameters.n_threads = parameters.n_threads_batch = thread_count(threads)
    parameters.no_perf = True
    return parameters


def _measured(
    context: lib.llama_context_p, tokens: list[int], words: int, step: Callable[[float], None]
) -> tuple[float, int] | None:
    batch = lib.llama_batch_init(_BATCH, 0, 1)
    surprise = 0.0
    try:
        for start in range(0, len(tokens) - 1, _BATCH):
            part = tokens[start : start + _BATCH]
            batch.n_tokens = len(part)
            for at, token in enumerate(part):
                batch.token[at], batch.pos[at], batch.logits[at] = token, start + at, 1
                batch.n_seq_id[at], batch.seq_id[at][0] = 1, 0
            if lib.llama_decode(context, batch) != 0:
                return None
            for at, following in enumerate(tokens[start + 1 : start + 1 + len(part)]):
                surprise += _surprise(context, at, following, words)
            step(min(1.0, (start + _BATCH) / len(tokens)))
    finally:
        lib.llama_batch_free(batch)
    foretold = len(tokens) - 1
    mean = surprise / foretold
    return (math.exp(mean), foretold) if mean < 700 else None  # also for what is no number


def _surprise(context: lib.llama_context_p, at: int, token: int, words: int) -> float:
    scores = numpy.ctypeslib.as_array(lib.llama_get_logits_ith(context, at), (words,)).astype(numpy.float64)
    most = float(scores.max())
    return most + math.log(float(numpy.exp(scores - most).sum())) - float(scores[token])
