"""Chunks of text become speech tokens, one token of each at every step, over the library's own weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch

from engines.tts.decode.cache import BLOCK
from engines.tts.decode.chunk import Chunk
from engines.tts.decode.flying import Arrangement, Flying, arrange
from engines.tts.decode.gradients import without_gradients
from engines.tts.decode.limits import check, longest_text
from engines.tts.decode.model import Model
from engines.tts.decode.numerics import Precision
from engines.tts.decode.prefill import Kept, Segment
from engines.tts.decode.rows import moves
from engines.tts.decode.sampling import BROKEN, Chance
from engines.tts.decode.watch import Watch, look, watched_heads

if TYPE_CHECKING:
    from torch import Tensor


class Decoder:
    """Each chunk has a row, and a second one where guidance leads away from it; rows know nothing of each other.

    With `take` the backbone's matrices are taken out of `t3` as they are laid out anew, and lie in memory once; the
    library itself cannot run it after that. `compiled` lets torch.compile fuse the step (with CUDA graphs on a GPU);
    each new shape, powers of two of rows by multiples of 256 positions, is compiled when it first comes, which runs
    within `compiling`.
    """

    def __init__(
        self,
        t3: Any,
        precision: Precision,
        *,
        compiled: bool = False,
        take: bool = False,
        compiling: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._t3 = t3
        with torch.inference_mode():
            self._model = Model(t3, precision, compiled=compiled, take=take, compiling=compiling)
        self._flying: list[Flying] = []
        self._arranged: Arrangement | None = None
        self._kept: tuple[Tensor, Kept] | None = None

    @property
    def aloft(self) -> int:
        """Chunks in the air."""
        return len(self._flying)

    @without_gradients
    def begin(self, chunks: Sequence[Chunk]) -> None:
        """Read their texts; they take part from the next step on.

        Raises:
            RequestFailed: the model cannot speak one of them; none began.
            torch.OutOfMemoryError, RuntimeError (of a CPU): none began, and the others are as they were.
        """
        for chunk in chunks:
            check(self._t3, chunk)
        count = self._rows
        fresh: list[Flying] = []
        for chunk in chunks:
            fresh.append(self._new(chunk, count))
            count += len(fresh[-1].rows)
        if not fresh:
            return
        try:
            self._reserve([*self._flying, *fresh])
            self._prefill(fresh)
        except BaseException:  # a CPU's allocator has no type of its own for what it lacks
            if not self._flying:
                self.release()
            raise
        self._flying += fresh
        self._arranged = None

    def release(self) -> None:
        """Give back the memory for keys and values, of chunks that were aloft; those that are must be dropped before.

        Where nothing is aloft, `begin` does it by itself once more than twice of what it needs is held.
        """
        if self._flying:
            raise RuntimeError("chunks are aloft")
        self._model.cache.release()
        self._kept = None

    @without_gradients
    def step(self) -> list[Chunk]:
        """Write one token of each chunk aloft; those that are over are returned, and have left.

        Raises:
            torch.OutOfMemoryError: nothing was written; it can be tried again when fewer are aloft.
        """
        if not self._flying:
            return []
        self._reserve(self._flying)
        arranged = self._arranged = self._arranged or arrange(self._flying, self._model, penalty_last=self._t3.is_gpt)
        logits = self._logits(arranged)
        drawn = arranged.sampler.draw(logits, [one.chance.next() for one in self._flying])
        arranged.advance(drawn)
        for one, token in zip(self._flying, drawn.tolist(), strict=True):
            self._write(one, token)
        over = [one for one in self._flying if one.chunk.over]
        self._leave(over)
        return [one.chunk for one in over]

    @without_gradients
    def drop(self, chunk: Chunk) -> None:
        """Leave at once, whole or not; a chunk that is not aloft is left alone."""
        self._leave([one for one in self._flying if one.chunk is chunk])

    @property
    def _rows(self) -> int:
        return sum(len(one.rows) for one in self._flying)

    # ── coming and going ──────────────────────────────────────────────────────────────────────────────────

    def _new(self, chunk: Chunk, row: int) -> Flying:
        begin = len(chunk.conditioning)
        end = begin + len(chunk.text)
        guided = chunk.sampling.cfg > 0 and not self._t3.is_gpt
        return Flying(
            chunk,
            row,
            row + guided,
            length=end + len(self._model.inputs.first()),
            allowed=max(1, chunk.expected),
            chance=Chance(chunk.seed),
            watch=Watch(begin, end, self._model.inputs.stop) if chunk.analyze else None,
        )

    def _reserve(self, flying: Sequence[Flying]) -> None:
        rows, length = sum(len(one.rows) for one in flying), max(one.room for one in flying)
        if not self._flying and self._model.roomy(rows, length):
            self.release()
        self._model.reserve(rows, length)

    def _prefill(self, fresh: Sequence[Flying]) -> None:
        first = self._model.inputs.first()
        segments = []
        for one in fresh:
            chunk, guided = one.chunk, one.pair != one.row
            kept, begin, end = self._kept_for(chunk, guided=guided), len(chunk.conditioning), one.length - len(first)
            looks = one.watch.first if one.watch is not None else None
            self._copy(kept, one.row, begin)
            words = torch.cat((self._model.inputs.text(chunk.text), first))
            segments.append(Segment(words, one.row, begin, after=kept, looks=looks))
            if guided:
                self._copy(kept, one.pair, end)
                segments.append(Segment(first, one.pair, end, after=kept))
        self._model.prefill(segments)

    def _kept_for(self, chunk: Chunk, *, guided: bool) -> Kept:
        """What a voice puts before all its texts and, for guidance to lead away from, a text without its words.

        It is kept for the last voice, and grows by blocks: always the same ones, so that the length of what was spoken
        before shows in no number.
        """
        voice, most = chunk.conditioning, longest_text(self._t3)
        held, self._kept = self._kept, None  # until it is whole: memory may end amid it
        if held is not None and held[0] is voice:
            kept = held[1]
        else:
            kept = Kept()
            self._model.prefill([Segment(voice.to(self._model.inputs.first()), into=kept)])
        while guided and (at := len(kept) - len(voice)) < len(chunk.text):
            blank = self._model.inputs.blank(min(at + BLOCK, most))[at:]
            self._model.prefill([Segment(blank, start=len(kept), after=kept, into=kept)])
        self._kept = voice, kept
        return kept

    def _copy(self, kept: Kept, row: int, count: int) -> None:
        for layer, (k, v) in enumerate(zip(kept.keys, kept.values, strict=True)):
            self._model.cache.fill(layer, row, 0, k[:count], v[:count])

    def _write(self, one: Flying, token: int) -> None:
        chunk = one.chunk
        one.length += 1
        if token == BROKEN:
            chunk.broken = True
            self._model.cache.clear(sorted(one.rows))
        elif token == self._model.inputs.stop:
            chunk.ended = True
        else:
            chunk.tokens.append(token)
        if not chunk.over and len(chunk.tokens) >= one.allowed:
            one.extend()

    def _leave(self, leaving: Sequence[Flying]) -> None:
        if not leaving:
            return
        moved = dict(moves(self._rows, set().union(*(one.rows for one in leaving))))
        self._flying = [one for one in self._flying if one not in leaving]
        for one in self._flying:
            one.row, one.pair = moved.get(one.row, one.row), moved.get(one.pair, one.pair)
        if moved:
            self._model.cache.move(list(moved), list(moved.values()))
        self._arranged = None

    # ── one step ──────────────────────────────────────────────────────────────────────────────────────────

    def _logits(self, arranged: Arrangement) -> Tensor:
        """[n, tokens], guided and watched."""
        watched = [at for at, one in enumerate(self._flying) if one.watch is not None]
        queries = dict.fromkeys((layer for layer, _ in watched_heads()), arranged.lengths) if watched else None
        filled = {row: one.length for one in self._flying for row in one.rows}
        tokens, written = arranged.tokens[arranged.of], arranged.written[arranged.of]
        every = self._model.logits(tokens, written, arranged.lengths, [filled[row] for row in sorted(filled)], queries)
        logits = every[arranged.rows]
        if arranged.cfg is not None:
            logits = logits + arranged.cfg * (logits - every[arranged.pairs])
        for at in watched:
            logits[at] = self._watched(self._flying[at], logits[at].cpu(), queries or {})
        return logits

    def _watched(self, one: Flying, logits: Tensor, queries: dict[int, Tensor]) -> Tensor:
        if one.watch is None:
            return logits
        looks = [
            look(queries[layer][one.row, head], self._model.cache.keys_of(layer, one.row, head, one.length + 1))
            for layer, head in watched_heads()
        ]
        last = one.chunk.tokens[-1] if one.chunk.tokens else self._model.inputs.start
        return one.watch.step(logits, looks, last)
