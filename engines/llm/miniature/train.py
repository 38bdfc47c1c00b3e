"""Trains the miniature from its recipe: `python -m engines.llm.miniature.train [--out FILE] [--steps N]`.

Needs the extra `miniatures` (torch, tokenizers, gguf, numpy) and some minutes of two cores.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import time
from pathlib import Path

import tokenizers
import torch
from torch.nn import functional

from engines.llm.miniature.corpus import texts
from engines.llm.miniature.export import SPECIAL, Header, Vocabulary, write_gguf
from engines.llm.miniature.network import Shape, Weights, fresh_weights, scores

VOCABULARY = 2048
WINDOW = 256
"""Tokens of one example."""
BATCH = 8
PEAK_RATE = 2e-3
WARM_UP = 40
"""Steps until the peak of the learning rate."""

_log = logging.getLogger("miniature")


def main() -> None:
    """Train, then write the GGUF file."""
    parser = argparse.ArgumentParser(description="train the miniature language model")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("miniature-f16.gguf"))
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    wanted = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(wanted.threads)

    read = texts(wanted.seed)
    tokenizer = _train_tokenizer(read)
    shape = Shape(tokenizer.get_vocab_size())
    weights = _train(shape, _one_stream(tokenizer, read), wanted.steps, wanted.seed)
    arrays = {name: weight.detach().numpy() for name, weight in weights.items()}
    header = Header("Engine Room miniature", shape.heads, shape.cache_heads, shape.epsilon, shape.rope_base)
    write_gguf(wanted.out, header, _vocabulary(tokenizer), arrays)
    _log.info("wrote %s, %.1f MB", wanted.out, wanted.out.stat().st_size / 1e6)


def _train_tokenizer(read: list[str]) -> tokenizers.Tokenizer:
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(read, trainer)
    return tokenizer


def _vocabulary(tokenizer: tokenizers.Tokenizer) -> Vocabulary:
    numbers: dict[str, int] = tokenizer.get_vocab()
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return Vocabulary(
        sorted(numbers, key=numbers.__getitem__),
        [merge if isinstance(merge, str) else " ".join(merge) for merge in merges],
    )


def _one_stream(tokenizer: tokenizers.Tokenizer, read: list[str]) -> torch.Tensor:
    """All texts one after the other, each behind the token that begins a text."""
    begin = SPECIAL.index("<|bos|>")
    return torch.tensor([token for text in tokenizer.encode_batch(read) for token in (begin, *text.ids)])


def _train(shape: Shape, stream: torch.Tensor, steps: int, seed: int) -> Weights:
    randomness = torch.Generator().manual_seed(seed)
    weights = fresh_weights(shape, randomness)
    optimizer = torch.optim.AdamW(weights.values(), betas=(0.9, 0.95), weight_decay=0.05)
    _log.info("%d weights, %d tokens to read", sum(weight.numel() for weight in weights.values()), len(stream))
    started = time.monotonic()
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, steps)
        starts = torch.randint(len(stream) - WINDOW, (BATCH, 1), generator=randomness)
        examples = stream[starts + torch.arange(WINDOW + 1)]
        guessed = scores(weights, shape, examples[:, :-1])
        loss = functional.cross_entropy(guessed.flatten(0, 1), examples[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        if step % 100 == 0 or step == steps:
            speed = step * BATCH * WINDOW / (time.monotonic() - started)
            _log.info("step %d of %d: loss %.3f, %d tokens/s", step, steps, loss.item(), speed)
    return weights


def _rate(step: int, steps: int) -> float:
    """Up in a line, then down along a cosine to a twentieth."""
    if step < WARM_UP:
        return PEAK_RATE * step / WARM_UP
    return PEAK_RATE * (0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2)


if __name__ == "__main__":
    main()
