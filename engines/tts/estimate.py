"""What a load takes, in bytes, before anything is loaded; corrected by what was measured once it was."""

from __future__ import annotations

import math
import re

from engines.appraisal import Need
from engines.tts import budget
from engines.tts.checkpoint import FULL_CHANNELS, Checkpoint
from engines.tts.languages import LANGUAGES
from engines.tts.precision import BYTES, Numbers, for_sound, for_tokens
from engines.tts.settings import TtsSettings

CONTEXT_BYTES = 500 * 2**20
"""What the driver and torch's kernels take for a process on a GPU; a round figure."""
PROCESS_BYTES = 550 * 2**20
"""The process with torch and the library and nothing loaded, as measured on a CPU."""
CONDITIONING = {"english": 34, "multilingual": 34, "turbo": 376}
"""Positions that the voice takes before the text."""
TOGETHER = 8
"""Chunks at once where the settings leave it open, on a CPU at most, and in deterministic work."""
_SOUND_TOGETHER = 4
"""Chunks that the flow takes in one batch."""
_FRAMES_PER_TOKEN = 2
_FRAMES_PER_SECOND = 50
_FRAME_BYTES = 96 * 1024
"""Activations of the flow and the vocoder for one frame, with guidance, at full size and 32 bits."""
_FLOW_SHARE, _VOCODER_SHARE = 0.43, 0.08
"""Of the file of the part that makes sound, by its numbers; the rest listens."""
_HEADS = 8
_LAYER = re.compile(r"tfmr\.(?:layers|h)\.(\d+)\.")


def weights_bytes(checkpoint: Checkpoint, numbers: Numbers) -> int:
    """Of the part that writes tokens: in 8 bits only the matrices of the layers are kept, the rest in 32."""
    total = 0
    for name, tensor in checkpoint.tokens.items():
        small = numbers != "int8" or (len(tensor.shape) == 2 and _LAYER.match(name) is not None)
        total += tensor.count * (BYTES[numbers] if small else BYTES["fp32"])
    return total


def sound_bytes(checkpoint: Checkpoint, numbers: Numbers) -> int:
    """Of the part that makes sound: the steps of its flow are kept in so many bits, all else in 32."""
    return int(checkpoint.sound_bytes * (_FLOW_SHARE * BYTES[numbers] / BYTES["fp32"] + _VOCODER_SHARE))


def listening_bytes(checkpoint: Checkpoint) -> int:
    """Of the parts that listen to voices, which stay in the host's memory."""
    return int(checkpoint.sound_bytes * (1 - _FLOW_SHARE - _VOCODER_SHARE)) + checkpoint.voice_bytes


def cache_bytes(checkpoint: Checkpoint, settings: TtsSettings, numbers: Numbers) -> int:
    """Keys and values of all chunks decoded together, each twice for guidance, when one of them runs to its limit.

    All rows have room for as much as the longest, and in a book of thousands of chunks one will find no end.
    """
    layers = {found[1] for name in checkpoint.tokens if (found := _LAYER.match(name))}
    width = next((t.shape[-1] for name, t in checkpoint.tokens.items() if name == "speech_emb.weight"), 1024)
    rows = chunks_together(settings) * (1 if settings.cfg == 0 or checkpoint.backend == "turbo" else 2)
    length = CONDITIONING[checkpoint.backend] + max(map(sum, _longest(checkpoint, settings)))
    kept = BYTES["fp32"] if numbers in ("fp32", "int8") else BYTES[numbers]
    return rows * length * len(layers) * 2 * width * kept


def activations_bytes(checkpoint: Checkpoint, settings: TtsSettings, numbers: Numbers) -> int:
    """To make sound of a batch of chunks at half of their limit, as slow voices need it, or of one that ran to it,
    which goes alone as only those of like length go together; attention of the whole is the square of its frames."""
    limit = max(tokens for _, tokens in _longest(checkpoint, settings))
    batch = min(chunks_together(settings), _SOUND_TOGETHER)
    size = min(1.0, checkpoint.sound_channels / FULL_CHANNELS)
    working = max(batch * _frames_bytes(limit // 2, settings), _frames_bytes(limit, settings))
    return int(working * size * BYTES[numbers] / BYTES["fp32"])


def _frames_bytes(tokens: int, settings: TtsSettings) -> int:
    frames = tokens * _FRAMES_PER_TOKEN + math.ceil(settings.reference_seconds * _FRAMES_PER_SECOND)
    return frames * _FRAME_BYTES + 2 * _HEADS * frames * frames * BYTES["fp32"]


def _longest(checkpoint: Checkpoint, settings: TtsSettings) -> list[tuple[int, int]]:
    """Characters of the longest chunk and the tokens at which it is given up, in each language it may be of."""
    told = "en" if checkpoint.backend != "multilingual" else settings.language
    languages = LANGUAGES if told == "auto" else (told,)
    words = 0  # of the document, which is not known here; short ones have the longest chunks
    sizes = [(language, budget.characters(settings, language, words)) for language in languages]
    return [(characters, budget.limit(language, characters)) for language, characters in sizes]


def chunks_together(settings: TtsSettings) -> int:
    """As set, or as a CPU has them."""
    return settings.parallel or TOGETHER


def need(checkpoint: Checkpoint, settings: TtsSettings, *, on_gpu: bool) -> Need:
    """It is one piece, and lies on one GPU or in the host's memory."""
    tokens, sound = for_tokens(settings, on_gpu=on_gpu), for_sound(settings, on_gpu=on_gpu)
    working = cache_bytes(checkpoint, settings, tokens) + activations_bytes(checkpoint, settings, sound)
    return Need(
        layers=(weights_bytes(checkpoint, tokens) + sound_bytes(checkpoint, sound),),
        on_gpu=int(on_gpu),
        per_gpu_bytes=CONTEXT_BYTES + working,
        host_bytes=PROCESS_BYTES + listening_bytes(checkpoint) + (0 if on_gpu else working),
    )


def gpu_bytes(of: Need) -> int:
    """On the GPU, for a need of one."""
    return of.gpu_bytes(1)
