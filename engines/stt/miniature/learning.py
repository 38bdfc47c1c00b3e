"""The training loop: batches of clips of about one length, through one stage after the other."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from engines.stt.miniature.compose import Manner
from engines.stt.miniature.examples import NOT_JUDGED, Batch, Example, batch
from engines.stt.miniature.network import FIXED, Encoded, Weights, encode, scores, spelled
from engines.stt.miniature.shape import Shape
from engines.stt.miniature.tokenizer import Numbers

BATCH = 24
_WARM_UP = 80
"""Steps until the peak of the learning rate."""
_SAID_EACH = 50
"""Steps."""

_log = logging.getLogger("miniature")


@dataclass(frozen=True)
class Stage:
    """So many steps over so many clips, drawn anew for it."""

    manner: Manner
    clips: int
    steps: int
    peak_rate: float
    short_first: bool = False
    """Begins with the shortest clips, and takes the others in by and by."""

    def shortened(self, share: float) -> Stage:
        """The same with a share of its clips and steps."""
        return replace(self, clips=max(4 * BATCH, int(self.clips * share)), steps=max(1, int(self.steps * share)))


@dataclass
class Tally:
    """Words that were right, of how many."""

    right: int = 0
    asked: int = 0

    def take(self) -> float:
        """The share since the last time."""
        share = self.right / max(1, self.asked)
        self.right = self.asked = 0
        return share


class Learner:
    """Weights, and what is needed to make them better."""

    def __init__(self, shape: Shape, weights: Weights, numbers: Numbers, seed: int) -> None:
        self.shape, self.weights = shape, weights
        self._numbers = numbers
        self._words = torch.tensor(sorted(numbers.words.values()))
        self._dice = random.Random(seed)
        self._randomness = torch.Generator().manual_seed(seed)
        self._tally = Tally()

    def learn(self, stage: Stage, examples: Sequence[Example]) -> None:
        """Go through a stage; `examples` are in the order of their lengths."""
        learned = [weight for name, weight in self.weights.items() if name != FIXED]
        optimizer = torch.optim.AdamW(learned, betas=(0.9, 0.98), weight_decay=0.01)
        began = time.process_time()
        for step in range(1, stage.steps + 1):
            done = step / stage.steps
            for group in optimizer.param_groups:
                group["lr"] = _rate(stage.peak_rate, step, done)
            told = batch(self._choose(stage, examples, done), self._numbers, self._dice)
            loss, spelling = self._losses(told)
            optimizer.zero_grad()
            (loss + (0.5 * (1 - done) + 0.05) * spelling).backward()
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            if step % _SAID_EACH == 0 or step == stage.steps:
                spent, right = time.process_time() - began, 100 * self._tally.take()
                _log.info(
                    "step %d of %d: loss %.3f, spelling %.3f, words right %.1f %%, %.0f s of CPU",
                    step, stage.steps, loss.item(), spelling.item(), right, spent,
                )  # fmt: skip

    def _choose(self, stage: Stage, examples: Sequence[Example], done: float) -> list[Example]:
        """Neighbours in length, so that little is padding; twice as many while they are short."""
        reach = len(examples)
        if stage.short_first:
            reach = int(reach * min(1.0, 0.3 + 2.2 * done))
        count = min(reach, BATCH * 2 if self._dice.random() * reach < len(examples) * 0.3 else BATCH)
        first = self._dice.randrange(max(1, reach - 3 * count))
        return self._dice.sample(list(examples[first : min(reach, first + 3 * count)]), count)

    def _losses(self, told: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the text, and of the helper's spelling."""
        encoded = encode(self.weights, self.shape, torch.from_numpy(told.features), self._randomness)
        guessed = scores(self.weights, self.shape, torch.from_numpy(told.given), encoded)
        wanted = torch.from_numpy(told.wanted)
        loss = functional.cross_entropy(
            guessed.flatten(0, 1), wanted.flatten(), ignore_index=NOT_JUDGED, label_smoothing=0.02
        )
        word = torch.isin(wanted, self._words)
        self._tally.right += int((guessed.detach().argmax(-1)[word] == wanted[word]).sum())
        self._tally.asked += int(word.sum())
        return loss, self._spelling(told, encoded)

    def _spelling(self, told: Batch, encoded: Encoded) -> torch.Tensor:
        if not told.spoken:
            return torch.zeros(())
        rows, classes, places = zip(*told.spoken, strict=True)
        return functional.ctc_loss(
            spelled(self.weights, encoded)[list(rows)].transpose(0, 1),
            torch.tensor([one for row in classes for one in row] or [0]),
            torch.tensor([min(encoded.heard, length) for length in places]),
            torch.tensor([len(row) for row in classes]),
            zero_infinity=True,
        )


def _rate(peak: float, step: int, done: float) -> float:
    """Up in a line, a tenth of the way at the peak, then down along a cosine."""
    down = 0.5 * (1 + math.cos(math.pi * max(0.0, done - 0.1) / 0.9)) + 0.01
    return peak * min(1.0, step / _WARM_UP) * down
