"""`python -m bench.tts.children.sounding CHECKPOINT DEVICE`: speech tokens to sound, by the library and by ours.

Flow, vocoder and watermark, as in the library's `generate`. Each precision has a copy of the weights.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from bench.peer import Told, narrating, obey
from bench.tts.children.loading import library
from bench.tts.spent import measured
from engines.tts.unit import RATE, TOKENS_PER_SECOND


class Sounding:
    """The library's part that makes sound, and ours by precision, made when they are first asked for."""

    def __init__(self, folder: str, device: str) -> None:
        from engines.tts.sound.render import Sound

        model = library(folder)
        self._folder, self._device = folder, device
        self._watermarker = model.watermarker
        self._reference = model.conds.gen
        self._s3gen = model.s3gen.to(device)
        self._kind = Sound
        self._sounds: dict[str, Any] = {}

    def library(self, tokens: int, takes: int, steps: int, seconds: float) -> Told:
        """One after the other."""
        import torch

        made: list[Any] = []
        reference, spoken = self._shortened(seconds), self._spoken(tokens, takes)

        def work() -> None:
            for each in spoken:
                with torch.inference_mode():
                    sound, _ = self._s3gen.inference(
                        torch.tensor(each, device=self._device), ref_dict=dict(reference), n_cfm_timesteps=steps
                    )
                heard = sound.squeeze(0).detach().cpu().numpy()
                made.append(self._watermarker.apply_watermark(heard, sample_rate=RATE))

        spent = measured(self._device, work)
        return {"audio_seconds": sum(map(len, made)) / RATE, "spent": msgspec.to_builtins(spent)}

    def ours(self, precision: str, tokens: int, takes: int, steps: int, seconds: float) -> Told:
        """All of them together."""
        from engines.tts.sound.render import Take
        from engines.tts.sound.voice import Voice

        sound = self._sound(precision)
        voice = Voice("", None, None, self._shortened(seconds))
        given = [Take(each, voice, seed) for seed, each in enumerate(self._spoken(tokens, takes))]
        made: list[Any] = []

        def work() -> None:
            made.extend(sound.render(given, steps, watermark=True, together=True, step=lambda: None))

        spent = measured(self._device, work)
        return {"audio_seconds": sum(map(len, made)) / RATE, "spent": msgspec.to_builtins(spent)}

    def _sound(self, precision: str) -> Any:
        if precision not in self._sounds:
            s3gen = library(self._folder).s3gen.to(self._device)  # its copies would share classes that ours changes
            self._sounds[precision] = self._kind(s3gen, self._watermarker, precision)  # type: ignore[arg-type]
        return self._sounds[precision]

    def _shortened(self, seconds: float) -> dict[str, Any]:
        from engines.tts.sound.voices import shortened

        return shortened(self._reference, round(seconds * TOKENS_PER_SECOND))

    def _spoken(self, tokens: int, takes: int) -> list[list[int]]:
        import torch

        chance = torch.Generator().manual_seed(0)
        drawn: list[list[int]] = torch.randint(0, 6561, (takes, tokens), generator=chance).tolist()
        return drawn


def main() -> None:
    """Obey stdin until its end."""
    with narrating():
        sounding = Sounding(sys.argv[1], sys.argv[2])
    obey({"library": sounding.library, "ours": sounding.ours})


if __name__ == "__main__":
    main()
