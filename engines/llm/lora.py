"""Which LoRA adapters a setting means, and what they take; read without the library."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from engines.contract import CannotLoad
from engines.llm import gguf
from engines.llm.settings import LlmSettings
from ipc.errors import Problem


@dataclass(frozen=True)
class LoraFile:
    """One adapter, and how strongly it counts."""

    path: Path
    scale: float
    bytes: int


def lora_files(settings: LlmSettings) -> tuple[LoraFile, ...]:
    """Those that `lora` names, each whole.

    Raises:
        CannotLoad: one is missing, broken, or no adapter.
    """
    parts = [part.strip() for part in settings.lora.split(",")] if settings.lora.strip() else []
    return tuple(_file(part) for part in parts)


def bad_lora(why: str) -> CannotLoad:
    """For an adapter that cannot be laid over the model."""
    return CannotLoad(
        Problem("Bad adapter", f"`lora` cannot be used: {why}.", "Set it to adapters of this model, or to nothing.")
    )


def _file(part: str) -> LoraFile:
    name, colon, number = part.rpartition(":")
    try:
        scale = float(number) if colon else 1.0
    except ValueError:
        name, scale = part, 1.0  # the colon is one of the path's
    if not colon:
        name = part
    if not name or not math.isfinite(scale):
        raise bad_lora(f"{part!r} is no path")
    path = Path(name).expanduser()
    try:
        contents = gguf.check(path)
    except CannotLoad as error:
        raise bad_lora(error.problem.detail.rstrip(".")) from error
    values = contents[0].values
    kind = values.get("general.type"), values.get("adapter.type")
    if kind != ("adapter", "lora"):
        raise bad_lora(f"{path} is no LoRA adapter")
    return LoraFile(path, scale, sum(tensor.bytes for shard in contents for tensor in shard.tensors))
