"""`python -m bench.tts.children.writing CHECKPOINT DEVICE`: texts to tokens, by the library's own loop and by ours.

Both have the same weights, and draw tokens as the library does by default.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from bench.peer import Told, narrating, obey
from bench.tts.children.loading import library
from bench.tts.spent import Clock, Spent
from engines.tts.decode.chunk import Chunk, Sampling

MOST_TOKENS = 1000
"""As the library's `generate` has it."""
DRAWN = Sampling(temperature=0.8, cfg=0.5, min_p=0.05, top_p=1.0, repetition_penalty=1.2)
"""As its defaults are."""


class Writing:
    """One loaded T3, and decoders over its weights by name, made when they are first asked for."""

    def __init__(self, folder: str, device: str) -> None:
        from engines.tts.decode.conditioning import conditioning
        from engines.tts.reader import Reader
        from engines.tts.sound.voice import Voice

        model = library(folder)
        model.s3gen = model.ve = None
        self._device = device
        self._t3 = model.t3.to(device)
        self._reader = Reader(model, "english")
        self._given = model.conds.t3.to(device=device)
        voice = Voice("", self._given.speaker_emb, self._given.cond_prompt_speech_tokens, {})
        self._conditioning = conditioning(self._t3, voice, 0.5)
        self._decoders: dict[str, Any] = {}

    def library(self, texts: list[str]) -> Told:
        """One after the other, as `generate` does."""
        written = 0
        begun: list[Spent] = []
        decoded: list[Spent] = []
        for text in texts:
            ids = self._reader.read(text, "en").ids[None].expand(2, -1)
            clock = Clock(self._device)
            with _lap_at_the_loop(clock, begun):
                tokens = self._t3.inference(
                    t3_cond=self._given,
                    text_tokens=ids,
                    max_new_tokens=MOST_TOKENS,
                    temperature=DRAWN.temperature,
                    cfg_weight=DRAWN.cfg,
                    repetition_penalty=DRAWN.repetition_penalty,
                    min_p=DRAWN.min_p,
                    top_p=DRAWN.top_p,
                )
            decoded.append(clock.lap())
            written += int((tokens[0] != self._t3.hp.stop_speech_token).sum())
        return _told(written, begun, decoded)

    def ours(self, precision: str, texts: list[str], expected: int) -> Told:
        """All of them together."""
        decoder = self._decoder(precision)
        chunks = [
            Chunk(self._reader.read(text, "en").ids, self._conditioning, DRAWN, seed, expected, MOST_TOKENS)
            for seed, text in enumerate(texts)
        ]
        clock = Clock(self._device)
        decoder.begin(chunks)
        begun = clock.lap()
        while decoder.aloft:
            decoder.step()
        return _told(sum(len(chunk.tokens) for chunk in chunks), [begun], [clock.lap()])

    def _decoder(self, precision: str) -> Any:
        from engines.tts.decode.decoder import Decoder

        if precision not in self._decoders:
            numbers, _, compiled = precision.partition(" ")
            self._decoders[precision] = Decoder(self._t3, numbers, compiled=bool(compiled))  # type: ignore[arg-type]
        return self._decoders[precision]


@contextmanager
def _lap_at_the_loop(clock: Clock, laps: list[Spent]) -> Iterator[None]:
    """One lap more when the library has read a text and begins its loop: where it would show a bar."""
    module: Any = sys.modules["chatterbox.models.t3.t3"]

    def bar(items: Any, *_: object, **__: object) -> Any:
        laps.append(clock.lap())
        return items

    kept, module.tqdm = module.tqdm, bar
    try:
        yield
    finally:
        module.tqdm = kept


def _told(tokens: int, begun: list[Spent], decoded: list[Spent]) -> Told:
    return {"tokens": tokens, "begun": msgspec.to_builtins(begun), "decoded": msgspec.to_builtins(decoded)}


def main() -> None:
    """Obey stdin until its end."""
    with narrating():
        writing = Writing(sys.argv[1], sys.argv[2])
    obey({"library": writing.library, "ours": writing.ours})


if __name__ == "__main__":
    main()
