"""How the next token is drawn: the request's wishes over the engine's knobs, as a chain of samplers."""

from __future__ import annotations

from collections.abc import Iterable

import llama_cpp as lib
from msgspec import Struct

from engines.llm.request import Request
from engines.llm.settings import LlmSettings

_PENALTY_TOKENS = 64
"""How far back a repeated token is held against itself."""


class Sampling(Struct, frozen=True):
    """The values in force for one unit. `temperature` 0 is greedy, and then only the penalty counts beside it."""

    temperature: float
    top_k: int
    top_p: float
    min_p: float
    repeat_penalty: float
    seed: int


def resolve(request: Request, settings: LlmSettings, index: int, *, deterministic: bool) -> Sampling:
    """The request's own values, else the knobs. Each unit of a job draws from its own seed."""
    seed = request.seed
    if seed is None:
        fresh = not deterministic and settings.seed == 0
        seed = lib.LLAMA_DEFAULT_SEED if fresh else (settings.seed + index) % 2**31
    return Sampling(
        settings.temperature if request.temperature is None else request.temperature,
        settings.top_k if request.top_k is None else request.top_k,
        settings.top_p if request.top_p is None else request.top_p,
        settings.min_p if request.min_p is None else request.min_p,
        settings.repeat_penalty,
        seed,
    )


class Sampler:
    """A chain of the library's samplers for one sequence; `close` it."""

    def __init__(self, sampling: Sampling, vocabulary_size: int) -> None:
        self._chain: lib.llama_sampler_p | None = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        for link in _links(sampling, vocabulary_size):
            lib.llama_sampler_chain_add(self._chain, link)

    def draw(self, context: lib.llama_context_p, at: int) -> int:
        """The next token, from what was computed at batch index `at`."""
        if self._chain is None:
            raise RuntimeError("the sampler was closed")
        return int(lib.llama_sampler_sample(self._chain, context, at))

    def accept(self, tokens: Iterable[int]) -> None:
        """Take these as drawn before."""
        for token in tokens:
            lib.llama_sampler_accept(self._chain, token)

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)
            self._chain = None


def _links(sampling: Sampling, vocabulary_size: int) -> list[lib.llama_sampler_p]:
    links = []
    if sampling.repeat_penalty not in (0, 1):
        links.append(
            lib.llama_sampler_init_penalties(vocabulary_size, _PENALTY_TOKENS, sampling.repeat_penalty, 0.0, 0.0)
        )
    if sampling.temperature == 0:
        return [*links, lib.llama_sampler_init_greedy()]
    return [
        *links,
        lib.llama_sampler_init_top_k(sampling.top_k),
        lib.llama_sampler_init_top_p(sampling.top_p, 1),
        lib.llama_sampler_init_min_p(sampling.min_p, 1),
        lib.llama_sampler_init_temp(sampling.temperature),
        lib.llama_sampler_init_dist(sampling.seed),
    ]
