"""torch's inference mode, in words that the type checker reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def without_gradients(function: Callable[P, R]) -> Callable[P, R]:
    """Nothing that it computes is remembered for a backward pass."""
    wrapped: Callable[P, R] = torch.inference_mode()(function)
    return wrapped
