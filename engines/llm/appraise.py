"""What a load of these settings takes: the files that may be meant, and the ladder below them.

Spawned as `python -m engines.appraiser llm`, without a GPU in sight.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import msgspec

from engines.appraisal import Appraisal, Need, Option
from engines.gpu_memory import ACCOUNTS
from engines.llm import told
from engines.llm.buffers import NO_LIBRARY, BuffersOf, buffers_of
from engines.llm.cache import MadeFile
from engines.llm.checks import check
from engines.llm.estimate import need
from engines.llm.files import ModelFile, path_of, siblings
from engines.llm.planning import first_words, planned
from engines.llm.settings import LlmSettings
from engines.llm.split import MOST_GPUS
from engines.llm.wanted import ToMake, wanted
from engines.settings import EngineSettings, as_dict


def appraise(settings: EngineSettings) -> Appraisal:
    """Options are the files that the settings leave open; rungs lead down from the best, each on top of the one before:
    fewer units, smaller batches and contexts, coarser files, the CPU.

    Raises:
        CannotLoad: no file is meant, it is broken, or the settings cannot work together.
    """
    assert isinstance(settings, LlmSettings)
    check(settings)
    files = wanted(settings)
    first = ""
    if isinstance(files, ToMake):
        made = planned(files)
        files, first = (made,), first_words(made)
    best = files[0]
    coarser = [one for one in siblings(_beside(best)) if one.fineness < best.fineness]
    least_capability, why_no_gpu = _gpu_support()
    with ExitStack() as stack:
        ways = _Ways(settings, stack)
        words = _level_words(files)
        options = tuple(
            msgspec.structs.replace(ways.option(file, _meaning(file, settings), words[file.path.name]), first=first)
            for file in files
        )
        rungs = tuple(
            ways.option(file, taken, _rung_words(file, taken, settings))
            for file, taken in _ladder(best, coarser, _meaning(best, settings))
        )
    return Appraisal(
        options=options,
        rungs=rungs,
        least_capability=least_capability,
        spread=MOST_GPUS if settings.main_gpu < 0 else 1,
        layers_knob="n_gpu_layers",
        why_no_gpu=why_no_gpu,
    )


class _Ways:
    """Makes options; the library is asked once for each build of a model, as its levels need the same buffers."""

    def __init__(self, asked: LlmSettings, stack: ExitStack) -> None:
        self._asked = as_dict(asked)
        self._stack = stack
        self._buffers: dict[object, BuffersOf] = {}

    def option(self, file: ModelFile, taken: LlmSettings, words: str) -> Option:
        changes = {name: value for name, value in as_dict(taken).items() if value != self._asked[name]}
        return Option(
            changes=changes,
            words=words,
            model=file.identity(),
            name=file.header.name or file.path.stem,
            quantization=file.header.quantization,
            level=file.header.level,
            need=self._need(file, taken),
        )

    def _need(self, file: ModelFile, taken: LlmSettings) -> Need:
        header = file.header
        build = header.architecture, header.embedding, header.feed_forward, header.vocabulary, header.cached
        if build not in self._buffers:
            self._buffers[build] = self._stack.enter_context(buffers_of(file.path, header))
        return need(header, taken, self._buffers[build](taken))


def _meaning(file: ModelFile, settings: LlmSettings) -> LlmSettings:
    """The settings, changed as little as makes them mean this file."""
    if isinstance(file, MadeFile):  # their level means it, also when it has to be made again
        return settings
    if path_of(settings) != file.path:
        settings = msgspec.structs.replace(settings, model=str(file.path))
    if settings.quantization not in ("auto", file.header.level):
        settings = msgspec.structs.replace(settings, quantization=file.header.level)
    return settings


def _beside(file: ModelFile) -> ModelFile:
    """Where further files of its model are."""
    return ModelFile(file.source, file.header) if isinstance(file, MadeFile) else file


def _ladder(
    best: ModelFile, coarser: list[ModelFile], settings: LlmSettings
) -> Iterator[tuple[ModelFile, LlmSettings]]:
    while (changes := settings.step_down()) and "n_gpu_layers" not in changes:
        settings = msgspec.structs.replace(settings, **changes)
        yield best, settings
    file = best
    for file in coarser:
        settings = _meaning(file, settings)
        yield file, settings
    if changes:
        yield file, msgspec.structs.replace(settings, **changes)


def _level_words(files: tuple[ModelFile, ...]) -> dict[str, str]:
    """By file name: the level, and which of several files it is."""
    count = Counter(file.header.level for file in files)
    return {file.path.name: _level_word(file, count[file.header.level] == 1) for file in files}


def _level_word(file: ModelFile, alone: bool) -> str:
    level = file.header.level
    return level if alone else f"{level} ({file.header.quantization or file.path.stem})"


def _rung_words(file: ModelFile, taken: LlmSettings, asked: LlmSettings) -> str:
    """All that differs from what was asked for."""
    words = [
        f"{name} {getattr(taken, name)}"
        for name in ("parallel", "n_batch", "n_ctx")
        if getattr(taken, name) != getattr(asked, name)
    ]
    if taken.model != asked.model:
        words.append(file.header.level)
    if taken.n_gpu_layers != asked.n_gpu_layers:
        words.append("on the CPU")
    return " · ".join(words)


def _gpu_support() -> tuple[str, str]:
    """The oldest compute capability that this build of the library runs on, and why it can use no GPU at all.

    No GPU is in sight here, so what the build has code for is asked for, not what it finds.
    """
    if os.environ.get(ACCOUNTS):  # on a simulated box nothing is computed on a GPU, so every build can
        return "5.0", ""
    try:
        from engines.llm.library import open_library
    except NO_LIBRARY:
        return "", ""
    library = open_library()
    info = library.system_info()
    usable = told.built_for_gpu(info) or library.has_gpu()
    return told.least_capability(info), "" if usable else "llama-cpp-python was built without GPU support"
