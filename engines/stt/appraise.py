"""What a load of these settings takes: how many windows together the settings leave open, and the ladder below.

Spawned as `python -m engines.appraiser stt`, without a GPU in sight.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from engines.appraisal import Appraisal, Option
from engines.gpu_memory import ACCOUNTS
from engines.settings import EngineSettings, as_dict
from engines.stt.estimate import assumed, need
from engines.stt.folder import Folder, found
from engines.stt.settings import MOST_TOGETHER, SttSettings

_ON_CPU: Final = (MOST_TOGETHER, 4, 2, 1)
_ON_GPU: Final = (16, *_ON_CPU)
_LEAST_CAPABILITY: Final = "5.3"
"""The oldest that the wheels of CTranslate2 4.8 have code for, by their fat binaries: 5.3, 6.0, 6.1, 7.0, 7.5, 8.0, 8.6
and, for what is newer, PTX of 8.6."""
_DETERMINISTIC: Final = 4
_CUDA: Final = re.compile(rb"libcublas\.so\.\d+")


def appraise(settings: EngineSettings) -> Appraisal:
    """Options are how many windows are decoded together at most; rungs are fewer, coarser, the CPU.

    Raises:
        CannotLoad: there is no such model, or it is not whole.
    """
    assert isinstance(settings, SttSettings)
    folder = found(settings)
    why_no_gpu = _why_no_gpu()
    options = tuple(_open(settings, gpus=not why_no_gpu))
    return Appraisal(
        options=tuple(_option(folder, settings, taken, words) for taken, words in options),
        rungs=tuple(_option(folder, settings, taken, words) for taken, words in _ladder(settings, options[0][0])),
        least_capability=_LEAST_CAPABILITY,
        spread=1,
        layers_knob="",
        why_no_gpu=why_no_gpu,
        only_more_at_once=True,
    )


def _open(settings: SttSettings, *, gpus: bool) -> Iterator[tuple[SttSettings, str]]:
    """How many together the settings leave open, the most first; one without words where they say it."""
    if settings.deterministic and not settings.parallel:  # windows are decoded alone, and read a few ahead
        yield _with(settings, _DETERMINISTIC), ""
    elif settings.batch_size or settings.parallel:
        yield _with(settings, settings.together), ""
    else:
        numbers = _ON_GPU if gpus and settings.gpu != "cpu" else _ON_CPU
        ways = {taken.together: taken for taken in (_with(settings, number) for number in numbers)}
        for together, taken in ways.items():
            yield taken, f"up to {together} together"


def _with(settings: SttSettings, together: int) -> SttSettings:
    """As many spans taken up as keep such batches full, where that is left open."""
    return settings if settings.parallel else msgspec.structs.replace(settings, parallel=settings.spans(together))


def _ladder(asked: SttSettings, most: SttSettings) -> Iterator[tuple[SttSettings, str]]:
    """What lies below the most that `asked` leaves open."""
    settings = most
    while changes := settings.step_down():
        settings = msgspec.structs.replace(settings, **changes)
        yield settings, _words(settings, most, asked)


def _words(taken: SttSettings, most: SttSettings, asked: SttSettings) -> str:
    """All that differs from what was asked for."""
    most_words = "" if taken.batch_size else "up to "
    words = [f"{most_words}{taken.together} together"] if taken.together != most.together else []
    words += [
        f"{name} {getattr(taken, name)}"
        for name in ("num_workers", "beam_size", "quantization")
        if getattr(taken, name) != getattr(asked, name)
    ]
    return " · ".join([*words, "on the CPU"] if taken.gpu != asked.gpu else words)


def _option(folder: Folder, asked: SttSettings, taken: SttSettings, words: str) -> Option:
    before, on_gpu = as_dict(asked), taken.gpu != "cpu"
    compute_type = assumed(taken, on_gpu=on_gpu)
    return Option(
        changes={name: value for name, value in as_dict(taken).items() if value != before[name]},
        words=words,
        model=folder.identity(),
        name=folder.name,
        quantization=compute_type,
        level=None,
        need=need(folder, taken, compute_type, on_gpu=on_gpu),
    )


def _why_no_gpu() -> str:
    """Why CTranslate2 can use no GPU whatever is there, or empty.

    What computes on a GPU names cuBLAS: it is looked for in the compiled part, which takes too long to import.
    """
    if os.environ.get(ACCOUNTS):  # on a simulated box nothing is computed on a GPU, so every build can
        return ""
    spec = find_spec("ctranslate2")
    if spec is None or spec.origin is None:
        return ""
    folder = Path(spec.origin).parent
    parts = [*folder.glob("_ext*.so"), *folder.parent.glob("ctranslate2.libs/libctranslate2*")]
    usable = sys.platform == "linux" and any(_names_cublas(part) for part in parts)
    return "" if usable or not parts else "CTranslate2 was built without GPU support"


def _names_cublas(part: Path) -> bool:
    with part.open("rb") as file:
        tail = b""
        while piece := file.read(1 << 22):
            if _CUDA.search(tail + piece):
                return True
            tail = piece[-32:]
    return False
