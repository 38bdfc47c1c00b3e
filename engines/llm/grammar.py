"""Tokens that keep to a grammar, without looking at the whole vocabulary for each.

As llama.cpp's own programs do it: a token is drawn as if there were no grammar, and mostly fits. Only where it does
not, all others are judged (9 to 28 ms for 128,000 of them) and one is drawn among those that fit.
"""

from __future__ import annotations

import ctypes

import llama_cpp as lib
import numpy as np

from engines.llm.gbnf import bad_grammar
from engines.llm.library import open_library
from engines.llm.schema_rules import too_large
from engines.llm.vocabulary import Vocabulary
from ipc.errors import Problem, RequestFailed

_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""`llama_token_data`."""


class Grammar:
    """One text in GBNF, at the point that an answer has reached; `close` it.

    Raises:
        RequestFailed: the library cannot read it.
    """

    def __init__(self, text: str, vocabulary: Vocabulary, *, of_schema: bool = False) -> None:
        library = open_library()
        library.forget()
        self._size = vocabulary.size
        self._pointer: lib.llama_sampler_p | None = lib.llama_sampler_init_grammar(
            vocabulary.pointer, text.encode(), b"root"
        )
        if not self._pointer:
            if of_schema:
                raise too_large()
            said = library.complaint()
            raise bad_grammar("the engine's log says where it cannot be read" if "parse" in said else said)

    def draw(self, chain: lib.llama_sampler_p, context: lib.llama_context_p, at: int) -> int:
        """The next token, from what was computed at batch index `at`; the chain hears of it, too.

        Raises:
            RequestFailed: no token of the vocabulary fits.
        """
        scores = np.ctypeslib.as_array(lib.llama_get_logits_ith(context, at), (self._size,))
        token = _drawn(chain, _all_of(scores))
        alone = np.array([(token, 1.0, 0.0)], _TOKEN_DATA)
        if not len(self._fitting(alone)):
            token = _drawn(chain, self._fitting(_all_of(scores)))
        self.accept(token)
        lib.llama_sampler_accept(chain, token)
        return token

    def accept(self, token: int) -> None:
        """It was drawn; one that does not fit would end the process."""
        lib.llama_sampler_accept(self._pointer, token)

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        if self._pointer is not None:
            lib.llama_sampler_free(self._pointer)
            self._pointer = None

    def _fitting(self, tokens: np.ndarray) -> np.ndarray:
        """Those of them that the grammar allows next."""
        lib.llama_sampler_apply(self._pointer, ctypes.byref(_as_library_has_it(tokens)))
        fitting: np.ndarray = tokens[np.isfinite(tokens["logit"])]
        return fitting


def _all_of(scores: np.ndarray) -> np.ndarray:
    tokens = np.zeros(len(scores), _TOKEN_DATA)
    tokens["id"] = np.arange(len(scores))
    tokens["logit"] = scores
    return tokens


def _drawn(chain: lib.llama_sampler_p, tokens: np.ndarray) -> int:
    """Which of them the chain takes."""
    if not len(tokens):
        # To take one all the same would end the process: the library trusts that nobody does.
        raise RequestFailed(
            Problem(
                "Grammar led nowhere",
                "At one point of the answer the grammar allowed no token of this model.",
                "Correct it: a rule that matches no character cannot be left again.",
            )
        )
    among = _as_library_has_it(tokens)
    lib.llama_sampler_apply(chain, ctypes.byref(among))
    return int(among.data[among.selected].id)


def _as_library_has_it(tokens: np.ndarray) -> lib.llama_token_data_array:
    return lib.llama_token_data_array(tokens.ctypes.data_as(lib.llama_token_data_p), len(tokens), -1, False)
