"""One chunk on its way from text to speech tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn. `cfg` 0 decodes without guidance, `temperature` 0 takes the likeliest; `top_k` 0 is off."""

    temperature: float = 0.8
    cfg: float = 0.5
    min_p: float = 0.05
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.15


@dataclass(eq=False)
class Chunk:
    """`text` are token ids [n] with their start and stop, `conditioning` is what the voice puts before them
    [c, dimensions]. More than `limit` tokens are never written; `expected` is where it counts as extended."""

    text: Tensor
    conditioning: Tensor
    sampling: Sampling
    seed: int
    expected: int
    limit: int
    analyze: bool = False
    """Let the multilingual model's alignment analyzer watch it."""
    tokens: list[int] = field(default_factory=list)
    """Written so far, without the stop token."""
    ended: bool = False
    """The stop token came: it is whole."""
    extended: int = 0
    """How often it went on over what was expected."""
    broken: bool = False
    """What came out of the model were no numbers: it ended there, and nothing else was touched."""

    @property
    def over(self) -> bool:
        """Nothing more is written."""
        return self.ended or self.broken or len(self.tokens) >= self.limit
