"""The miniature's tokens: the 256 bytes, its words, Whisper's own marks, and a time each 0.02 s up to 30 s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from engines.stt.miniature.words import WORDS

END: Final = "<|endoftext|>"
BEGIN: Final = "<|startoftranscript|>"
NOBODY: Final = "<|nospeech|>"
NO_TIMES: Final = "<|notimestamps|>"
MARKS: Final = (
    END, BEGIN, "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", NOBODY, NO_TIMES,
)  # fmt: skip
_TIMES: Final = 1501
_TIME_SECONDS: Final = 0.02
_SPACE: Final = "\u0120"
"""How a space is written in a byte-level vocabulary."""


def build(words: Sequence[str] = WORDS) -> Tokenizer:
    """A tokenizer that takes each of these words, with the space before it, for one token."""
    tokens = sorted(pre_tokenizers.ByteLevel.alphabet()) + [f"{_SPACE}{word}" for word in words]
    numbers = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in MARKS])
    times = (f"<|{number * _TIME_SECONDS:.2f}|>" for number in range(_TIMES))
    tokenizer.add_tokens([AddedToken(time, special=False, normalized=False) for time in times])
    return tokenizer


def tokens_of(tokenizer: Tokenizer) -> list[str]:
    """All tokens, by their numbers."""
    numbers: dict[str, int] = tokenizer.get_vocab()
    return sorted(numbers, key=numbers.__getitem__)


class Numbers:
    """The tokens that training writes, by number."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        numbers: dict[str, int] = tokenizer.get_vocab()
        self.size = len(numbers)
        self.begin, self.end = numbers[BEGIN], numbers[END]
        self.nobody, self.no_times = numbers[NOBODY], numbers[NO_TIMES]
        self.words = {word: numbers[f"{_SPACE}{word}"] for word in WORDS}
        self._first_time = numbers["<|0.00|>"]

    def time(self, seconds: float) -> int:
        """The nearest tenth of a second: finer ones would be too many to learn."""
        return self._first_time + 5 * round(seconds * 10)
