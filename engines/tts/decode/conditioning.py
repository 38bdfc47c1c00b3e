"""What a voice puts before the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from engines.tts.decode.gradients import without_gradients
from engines.tts.sound.voice import Voice

if TYPE_CHECKING:
    from torch import Tensor


@without_gradients
def conditioning(t3: Any, voice: Voice, exaggeration: float) -> Tensor:
    """[c, dimensions] in the numbers of `t3`, to be computed once for a voice and shared by its chunks.

    Turbo has no exaggeration. The embeddings of the prompt stay with this call: the library keeps them in its own
    object, where a later change of the model would not reach them.
    """
    from chatterbox.models.t3.modules.cond_enc import T3Cond

    numbers = {"device": t3.device, "dtype": t3.cond_enc.spkr_enc.weight.dtype}
    prompt = None if voice.prompt is None else torch.atleast_2d(voice.prompt).to(t3.device)
    given = T3Cond(
        speaker_emb=voice.speaker.to(**numbers),
        cond_prompt_speech_tokens=prompt,
        emotion_adv=torch.full((1, 1, 1), exaggeration, **numbers),
    )
    return t3.prepare_conditioning(given)[0]
