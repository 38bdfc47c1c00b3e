"""What a fake load takes: as its settings say, or as they say it wrongly."""

from __future__ import annotations

import msgspec

from engines.appraisal import LEVELS, Appraisal, Need, Option
from engines.fake.settings import MOST_AT_ONCE, FakeSettings
from engines.settings import EngineSettings, with_changes
from ipc.snapshot import Scalar

_RUNGS = 20
_AT_ONCE = (MOST_AT_ONCE, MOST_AT_ONCE // 2, MOST_AT_ONCE // 4, 1)


def appraise(settings: EngineSettings) -> Appraisal:
    """An option for each level or number at once that the settings leave open, and the ladder below."""
    fake = msgspec.convert(msgspec.to_builtins(settings), FakeSettings)
    levels = [level for level in reversed(LEVELS) if level in fake.bytes_by_level()]
    open_ = fake.quantization == "auto" and levels
    options = tuple(_option(fake, {"quantization": level}, level) for level in levels) if open_ else ()
    if not fake.parallel:
        options = tuple(_option(fake, {"parallel": at_once}, f"parallel {at_once}") for at_once in _AT_ONCE)
    return Appraisal(
        options or (_option(fake, {}, ""),),
        tuple(_ladder(fake)),
        fake.least_capability,
        fake.spread,
        "gpu_layers",
        fake.why_no_gpu,
        not fake.parallel,
    )


def _ladder(settings: FakeSettings) -> list[Option]:
    rungs: list[Option] = []
    changes: dict[str, Scalar] = {}
    stepped = settings
    while len(rungs) < _RUNGS and (step := stepped.step_down()):
        changes = {**changes, **step}
        stepped = with_changes(settings, changes, "fake")
        rungs.append(_option(settings, changes, ", ".join(f"{name} {value}" for name, value in step.items())))
    return rungs


def _option(asked: FakeSettings, changes: dict[str, Scalar], words: str) -> Option:
    settings = with_changes(asked, changes, "fake")
    level = settings.quantization if settings.quantization != "auto" else None
    whole = settings.appraised_bytes if settings.appraised_bytes >= 0 else settings.whole_bytes()
    per_layer = whole // settings.layers
    on_gpu = None if settings.gpu_layers == -2 else settings.layers if settings.gpu_layers < 0 else settings.gpu_layers
    need = Need((per_layer,) * settings.layers, None if on_gpu is None else min(on_gpu, settings.layers), 0, 0)
    return Option(changes, words, f"fake {settings.load_bytes} {settings.levels}", "fake", level, level, need)
