"""How the next token is drawn: the request's wishes over the engine's knobs, as a chain of samplers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import llama_cpp as lib
from msgspec import Struct

from engines.llm.grammar import Grammar
from engines.llm.request import Request
from engines.llm.settings import LlmSettings
from engines.llm.vocabulary import Vocabulary

T = TypeVar("T", int, float)


class Sampling(Struct, frozen=True, kw_only=True):
    """The values in force for one unit; with none given, the likeliest token is taken.

    `temperature` 0 is greedy, and then only penalties and grammar count beside it.
    """

    temperature: float = 0.0
    top_k: int = 0
    typical_p: float = 1.0
    top_p: float = 1.0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    penalty_tokens: int = 0
    """How far back the penalties look."""
    seed: int = 0
    grammar: str = ""
    """In GBNF; empty for none."""
    of_schema: bool = False
    """Whether the grammar was made from a JSON schema."""


def resolve(request: Request, settings: LlmSettings, index: int, *, deterministic: bool) -> Sampling:
    """The request's own values, else the knobs. Each unit of a job draws from its own seed."""
    seed = request.seed
    if seed is None:
        fresh = not deterministic and settings.seed == 0
        seed = lib.LLAMA_DEFAULT_SEED if fresh else (settings.seed + index) % 2**31
    return Sampling(
        temperature=_or(request.temperature, settings.temperature),
        top_k=_or(request.top_k, settings.top_k),
        typical_p=_or(request.typical_p, settings.typical_p),
        top_p=_or(request.top_p, settings.top_p),
        min_p=_or(request.min_p, settings.min_p),
        repeat_penalty=_or(request.repeat_penalty, settings.repeat_penalty),
        presence_penalty=_or(request.presence_penalty, settings.presence_penalty),
        frequency_penalty=_or(request.frequency_penalty, settings.frequency_penalty),
        penalty_tokens=settings.n_ctx if settings.repeat_last_n < 0 else settings.repeat_last_n,
        seed=seed,
        grammar=request.gbnf(),
        of_schema=request.has_schema(),
    )


def _or(own: T | None, usual: T) -> T:
    return usual if own is None else own


class Sampler:
    """A chain of the library's samplers for one sequence; `close` it.

    Raises:
        RequestFailed: the library cannot read the grammar.
    """

    def __init__(self, sampling: Sampling, vocabulary: Vocabulary) -> None:
        grammar, of_schema = sampling.grammar, sampling.of_schema
        self._grammar = Grammar(grammar, vocabulary, of_schema=of_schema) if grammar else None
        self._chain: lib.llama_sampler_p | None = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        for link in _links(sampling, vocabulary.size):
            lib.llama_sampler_chain_add(self._chain, link)

    def draw(self, context: lib.llama_context_p, at: int) -> int:
        """The next token, from what was computed at batch index `at`.

        Raises:
            RequestFailed: the grammar allows none.
        """
        if self._chain is None:
            raise RuntimeError("the sampler was closed")
        if self._grammar is not None:
            return self._grammar.draw(self._chain, context, at)
        return int(lib.llama_sampler_sample(self._chain, context, at))

    def accept(self, tokens: Iterable[int]) -> None:
        """Take these as drawn before, by the same grammar."""
        for token in tokens:
            lib.llama_sampler_accept(self._chain, token)
            if self._grammar is not None:
                self._grammar.accept(token)

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self._chain is not None:
            lib.llama_sampler_free(self._chain)
            self._chain = None
        if self._grammar is not None:
            self._grammar.close()


def _links(sampling: Sampling, vocabulary_size: int) -> list[lib.llama_sampler_p]:
    """In llama.cpp's usual order; what is off is left out."""
    links = []
    repeat = sampling.repeat_penalty or 1.0
    penalties = repeat, sampling.frequency_penalty, sampling.presence_penalty
    if sampling.penalty_tokens and penalties != (1.0, 0.0, 0.0):
        links.append(lib.llama_sampler_init_penalties(vocabulary_size, sampling.penalty_tokens, *penalties))
    if sampling.temperature == 0:
        return [*links, lib.llama_sampler_init_greedy()]
    links.append(lib.llama_sampler_init_top_k(sampling.top_k))
    if sampling.typical_p < 1:
        links.append(lib.llama_sampler_init_typical(sampling.typical_p, 1))
    return [
        *links,
        lib.llama_sampler_init_top_p(sampling.top_p, 1),
        lib.llama_sampler_init_min_p(sampling.min_p, 1),
        lib.llama_sampler_init_temp(sampling.temperature),
        lib.llama_sampler_init_dist(sampling.seed),
    ]
