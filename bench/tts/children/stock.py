"""`python -m bench.tts.children.stock CHECKPOINT DEVICE`: the library as it comes, its defaults kept.

One chunk after the other: that is what its `generate` can do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from bench.peer import Told, narrating, obey
from bench.tts.spent import measured
from engines.tts.library import prepare
from engines.tts.miniature.shrink import shrink, sizes_of
from engines.tts.unit import RATE


class Stock:
    """A loaded `ChatterboxTTS`."""

    def __init__(self, folder: str, device: str) -> None:
        if (sizes := sizes_of(Path(folder))) is not None:
            shrink(sizes)
        prepare()
        from chatterbox.tts import ChatterboxTTS

        self._device = device
        self._model: Any = ChatterboxTTS.from_local(folder, device)

    def speak(self, texts: list[str]) -> Told:
        """Each of them."""
        made: list[Any] = []

        def work() -> None:
            made.extend(self._model.generate(text) for text in texts)

        spent = measured(self._device, work)
        return {
            "audio_seconds": sum(sound.shape[-1] for sound in made) / RATE,
            "spent": msgspec.to_builtins(spent),
        }


def main() -> None:
    """Obey stdin until its end."""
    with narrating():
        stock = Stock(sys.argv[1], sys.argv[2])
    obey({"speak": stock.speak})


if __name__ == "__main__":
    main()
