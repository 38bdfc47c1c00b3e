"""What a load of these settings takes: how many chunks together the settings leave open, and the ladder below.

Spawned as `python -m engines.appraiser tts`, without a GPU in sight.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from engines.appraisal import Appraisal, Option
from engines.gpu_memory import ACCOUNTS
from engines.settings import EngineSettings, as_dict
from engines.tts.checkpoint import Checkpoint, found
from engines.tts.estimate import need
from engines.tts.precision import NAMES, for_tokens
from engines.tts.settings import TtsSettings

_ON_CPU = (8, 4, 2, 1)
_ON_GPU = (16, *_ON_CPU)
_LEAST_CAPABILITY = "7.0"
"""The oldest GPUs that torch still has code for where it is built for a CUDA of today."""
_CUDA = re.compile(r"^cuda\b[^=]*=\s*(.+?)\s*$", re.MULTILINE)


def appraise(settings: EngineSettings) -> Appraisal:
    """Options are how many chunks are decoded together; rungs are fewer, shorter, coarser, the CPU.

    Raises:
        CannotLoad: there is no such checkpoint, or it is not whole.
    """
    assert isinstance(settings, TtsSettings)
    checkpoint = found(settings)
    least_capability, why_no_gpu = _gpu_support()
    return Appraisal(
        options=tuple(
            _option(checkpoint, settings, taken, words) for taken, words in _open(settings, gpus=not why_no_gpu)
        ),
        rungs=tuple(_option(checkpoint, settings, taken, words) for taken, words in _ladder(settings)),
        least_capability=least_capability,
        spread=1,
        layers_knob="",
        why_no_gpu=why_no_gpu,
    )


def _open(settings: TtsSettings, *, gpus: bool) -> Iterator[tuple[TtsSettings, str]]:
    if settings.parallel:
        yield settings, ""
        return
    for together in _ON_GPU if gpus and settings.gpu != "cpu" else _ON_CPU:
        yield msgspec.structs.replace(settings, parallel=together), f"{together} together"


def _ladder(asked: TtsSettings) -> Iterator[tuple[TtsSettings, str]]:
    settings = asked
    while changes := settings.step_down():
        settings = msgspec.structs.replace(settings, **changes)
        yield settings, _words(settings, asked)


def _words(taken: TtsSettings, asked: TtsSettings) -> str:
    """All that differs from what was asked for."""
    words = [f"{taken.parallel} together"] if taken.parallel != asked.parallel else []
    words += [
        f"{name} {getattr(taken, name)}"
        for name in ("batch_size", "tokens", "quantization")
        if getattr(taken, name) != getattr(asked, name)
    ]
    return " · ".join([*words, "on the CPU"] if taken.gpu != asked.gpu else words)


def _option(checkpoint: Checkpoint, asked: TtsSettings, taken: TtsSettings, words: str) -> Option:
    before, on_gpu = as_dict(asked), taken.gpu != "cpu"
    return Option(
        changes={name: value for name, value in as_dict(taken).items() if value != before[name]},
        words=words,
        model=checkpoint.identity(),
        name=checkpoint.name,
        quantization=NAMES[for_tokens(taken, on_gpu=on_gpu)],
        level=None,
        need=need(checkpoint, taken, on_gpu=on_gpu),
    )


def _gpu_support() -> tuple[str, str]:
    """The oldest compute capability that torch runs on, and why it can use no GPU; empty where that is not known."""
    if os.environ.get(ACCOUNTS):  # on a simulated box nothing is computed on a GPU, so every build can
        return "5.0", ""
    cuda = _cuda_of_torch()
    if cuda is None:
        return "", ""
    return (_LEAST_CAPABILITY, "") if cuda != "None" else ("", "torch was built without GPU support")


def _cuda_of_torch() -> str | None:
    """As its file says it: to import torch would take longer than all the rest. None where there is no torch."""
    for folder in sys.path:
        try:
            version = (Path(folder) / "torch" / "version.py").read_text()
        except OSError:
            continue
        told = _CUDA.search(version)
        return told[1] if told else None
    return None
