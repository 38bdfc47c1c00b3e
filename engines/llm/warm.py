"""After a load, the system prompt's state: restored from the data folder, or computed and kept there."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import llama_cpp as lib

from engines.contract import OutOfMemory
from engines.llm.batch import Stretch
from engines.llm.caches import Caches
from engines.llm.context import Context, parameters_for
from engines.llm.files import ModelFile
from engines.llm.lora import lora_files
from engines.llm.prefixes import WORTH_TOKENS
from engines.llm.promptfile import FOLDER_BYTES, PromptFile, prune
from engines.llm.settings import LlmSettings
from engines.llm.shared import Shared

_SHAPING = (
    "n_seq_max", "type_k", "type_v", "flash_attn_type", "kv_unified", "swa_full", "offload_kqv", "rope_scaling_type",
    "rope_freq_base", "rope_freq_scale", "yarn_ext_factor", "yarn_attn_factor", "yarn_beta_fast", "yarn_beta_slow",
    "yarn_orig_ctx",
)  # fmt: skip
"""Parameters of a context that the bytes of its caches depend on."""


def dependence(file: ModelFile, identity: str, settings: LlmSettings) -> str:
    """What a state is of besides its tokens: the model as it was loaded, the library, and how a cache is kept.

    Raises:
        CannotLoad, OSError: an adapter is gone.
    """
    parameters = parameters_for(file.header, settings)
    shape = {name: getattr(parameters, name) for name in _SHAPING}
    adapters = [[str(one.path), one.path.stat().st_mtime_ns, one.scale] for one in lora_files(settings)]
    return json.dumps([identity, lib.__version__, shape, adapters])


def warm(
    shared: Shared | None, of: str, folder: Path, context: Context, caches: Caches, stop: Callable[[], bool]
) -> None:
    """Have the state of this part in `caches` afterwards, unless `stop` said so or there is no room for it.

    Raises:
        OutOfMemory
    """
    if shared is None:
        _say(f"not computed ahead: it has under {WORTH_TOKENS} tokens, or the chat template refuses it")
        return
    tokens = shared.tokens
    if len(tokens) >= context.length:
        _say(f"its {len(tokens)} tokens do not fit into the context of {context.length}")
        return
    started = time.perf_counter()
    file = PromptFile(folder, of, tokens)
    sequence = caches.claim_empty()
    state = file.read()
    restored = state is not None and context.restore(sequence, state, len(tokens))
    try:
        ready = restored or _computed(tokens, sequence, context, stop)
    except OutOfMemory:
        caches.leave(sequence, ())
        raise
    if not ready:
        context.forget(sequence)
        caches.leave(sequence, ())
        return
    took = f"{1000 * (time.perf_counter() - started):.0f} ms"
    saved = caches.keep(sequence, tokens)
    caches.leave(sequence, tokens)
    if not saved:
        _say(f"{len(tokens)} tokens computed in {took}; larger than `prompt_cache`, so not kept")
    elif restored:
        _say(f"{len(tokens)} tokens restored in {took}")
    else:
        _say(f"{len(tokens)} tokens computed in {took}, {_written(file, context.state(sequence))}")


def _computed(tokens: Sequence[int], sequence: int, context: Context, stop: Callable[[], bool]) -> bool:
    for start in range(0, len(tokens), context.capacity):
        part = [*tokens[start : start + context.capacity]]
        if stop() or context.compute([Stretch(sequence, start, part, sample=False)], stop) is None:
            return False
    return True


def _written(file: PromptFile, state: bytearray) -> str:
    if len(state) > FOLDER_BYTES:
        return f"not kept for the next start: {len(state) / 2**30:.1f} GiB are more than all of them may have"
    try:
        file.write(state)
        prune(file.folder)
    except OSError as error:
        return f"not kept for the next start: {error.strerror}"
    return "kept for the next start"


def _say(what: str) -> None:
    sys.stderr.write(f"system prompt: {what}\n")
    sys.stderr.flush()
