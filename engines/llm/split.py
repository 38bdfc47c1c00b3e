"""How layers are shared out over several GPUs."""

from __future__ import annotations

import math

from engines.contract import CannotLoad
from engines.gpu_memory import placement
from engines.llm.settings import LlmSettings
from ipc.errors import Problem

MOST_GPUS = 8
"""How many GPUs one load may be divided over; the library could take 16."""


def shares(settings: LlmSettings) -> tuple[float, ...]:
    """One share per GPU, in the order of the placement: those asked for, else those it was placed with.

    Empty where nothing is to be shared: on one GPU or none, or whole on `main_gpu`.

    Raises:
        CannotLoad: `tensor_split` is no list of shares, or names more than `MOST_GPUS`; `main_gpu` is none of its GPUs.
    """
    if settings.main_gpu >= 0:
        _check_main(settings.main_gpu, settings.tensor_split)
        return ()
    if not settings.tensor_split.strip():
        placed = placement()
        return tuple(one.share for one in placed) if len(placed) > 1 else ()
    try:
        split = tuple(float(part) for part in settings.tensor_split.split(","))
    except ValueError as error:
        raise _no_shares(settings.tensor_split, "it is no list of numbers") from error
    if not all(math.isfinite(share) and share >= 0 for share in split) or sum(split) <= 0:
        raise _no_shares(settings.tensor_split, "shares are numbers from 0 on, and not all 0")
    if len(split) > MOST_GPUS:
        raise _no_shares(settings.tensor_split, f"it names more than {MOST_GPUS} GPUs")
    return split


def _check_main(main_gpu: int, tensor_split: str) -> None:
    gpus = len(placement())
    if gpus and main_gpu >= gpus:
        why = f"it has {gpus} GPU{'s' if gpus > 1 else ''}, counted from 0"
    elif tensor_split.strip():
        why = f"tensor_split = {tensor_split!r} divides the model"
    else:
        return
    raise CannotLoad(
        Problem(
            "Bad main_gpu",
            f"main_gpu = {main_gpu}: {why}.",
            "Set `main_gpu` to -1; which GPUs the engine has, `gpu` says.",
        )
    )


def _no_shares(text: str, why: str) -> CannotLoad:
    return CannotLoad(
        Problem("Bad tensor_split", f"tensor_split = {text!r}: {why}.", "Write one share per GPU, such as `0.6,0.4`.")
    )
