"""What a load of these settings takes: one file, whole on a GPU or in the host's memory, and the ladder below.

Spawned as `python -m engines.appraiser embed`, without a GPU in sight.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from engines.appraisal import Appraisal, Need, Option
from engines.embed.estimate import CONTEXT_BYTES, PROCESS_BYTES, VOCABULARY_BYTES, buffers_bytes, cache_bytes
from engines.embed.folder import ModelFolder, found
from engines.embed.settings import EmbedSettings
from engines.gpu_memory import ACCOUNTS
from engines.settings import EngineSettings, as_dict

NO_LIBRARY = (ImportError, OSError)
"""What an import raises where the library is not installed, or was built for another machine."""


def appraise(settings: EngineSettings) -> Appraisal:
    """One option; rungs are smaller batches, then the CPU.

    Raises:
        CannotLoad: there is no such model, or it is cut short.
    """
    assert isinstance(settings, EmbedSettings)
    folder = found(settings)
    least_capability, why_no_gpu = _gpu_support()
    return Appraisal(
        options=(_option(folder, settings, settings, ""),),
        rungs=tuple(_option(folder, settings, taken, words) for taken, words in _ladder(settings)),
        least_capability=least_capability,
        spread=1,
        layers_knob="",
        why_no_gpu=why_no_gpu,
    )


def _ladder(settings: EmbedSettings) -> Iterator[tuple[EmbedSettings, str]]:
    asked = settings
    while changes := settings.step_down():
        settings = msgspec.structs.replace(settings, **changes)
        words = [f"batch_size {settings.batch_size}"] if settings.batch_size != asked.batch_size else []
        if settings.gpu != asked.gpu:
            words.append("on the CPU")
        yield settings, " · ".join(words) or f"parallel {settings.parallel}"


def _option(folder: ModelFolder, asked: EmbedSettings, taken: EmbedSettings, words: str) -> Option:
    manifest, before = folder.manifest, as_dict(asked)
    on_gpu = taken.gpu != "cpu"
    buffers = buffers_bytes(manifest, taken)
    return Option(
        changes={name: value for name, value in as_dict(taken).items() if value != before[name]},
        words=words,
        model=folder.identity(),
        name=manifest.name,
        quantization="F32",
        level=None,
        need=Need(
            layers=(manifest.model_bytes,),
            on_gpu=int(on_gpu),
            per_gpu_bytes=CONTEXT_BYTES + buffers,
            host_bytes=PROCESS_BYTES + VOCABULARY_BYTES + cache_bytes(manifest, taken) + (0 if on_gpu else buffers),
        ),
    )


def _gpu_support() -> tuple[str, str]:
    """The oldest compute capability that this build runs on, which it does not tell, and why it can use no GPU."""
    if os.environ.get(ACCOUNTS):  # on a simulated box nothing is computed on a GPU, so every build can
        return "5.0", ""
    try:
        from engines.embed.encoder import has_gpu_support
    except NO_LIBRARY:
        return "", ""
    return "", "" if has_gpu_support() else "onnxruntime was built without GPU support"
