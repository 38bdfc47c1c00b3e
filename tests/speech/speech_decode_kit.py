"""Small T3s with weights that make up their mind, the library's own tokens, and chunks."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from unittest.mock import patch

import torch

from engines.tts.decode.chunk import Chunk, Sampling
from engines.tts.decode.conditioning import conditioning
from engines.tts.decode.decoder import Decoder
from engines.tts.library import prepare
from engines.tts.miniature.shrink import Sizes, shrink_t3
from engines.tts.sound.voice import Voice

Kind = Literal["english", "multilingual", "turbo"]
START, STOP = 6561, 6562
GREEDY = Sampling(temperature=0.0)
EXAGGERATION = 0.5
LOUD = 12


@contextmanager
def _sized(sizes: Sizes) -> Iterator[None]:
    """The library's sizes for now: other tests of the process have theirs."""
    prepare()
    from chatterbox.models.t3 import llama_configs
    from chatterbox.models.t3.modules import cond_enc

    kept = copy.deepcopy(llama_configs.LLAMA_CONFIGS), cond_enc.Perceiver
    try:
        shrink_t3(sizes)
        yield
    finally:
        for name, config in kept[0].items():
            llama_configs.LLAMA_CONFIGS[name].clear()
            llama_configs.LLAMA_CONFIGS[name].update(config)
        cond_enc.Perceiver = kept[1]


def small_t3(kind: Kind, sizes: Sizes | None = None) -> Any:
    """One that never likes what no sound can be made of; and the stop no better than anything else."""
    with _sized(sizes or Sizes(dimensions=32, layers=2, heads=2)):
        from chatterbox.models.t3 import T3
        from chatterbox.models.t3.modules.t3_config import T3Config

        hp = T3Config.multilingual() if kind == "multilingual" else T3Config()
        if kind == "turbo":
            hp.llama_config_name, hp.text_tokens_dict_size, hp.speech_tokens_dict_size = "GPT2_medium", 600, 6563
            hp.input_pos_emb, hp.use_perceiver_resampler, hp.emotion_adv = None, False, False
        torch.manual_seed(0)
        t3 = T3(hp).eval()
    for name, parameter in t3.named_parameters():
        if parameter.dim() == 2:
            # As loud as it takes for the text to matter.
            parameter.data.mul_(LOUD if name.startswith("tfmr") else 3)
    for rows in (slice(START, START + 1), slice(STOP + 1, None)):
        t3.speech_head.weight.data[rows] = 0
        if t3.speech_head.bias is not None:
            t3.speech_head.bias.data[rows] = -100
    return t3


def voice(seed: int = 0) -> Voice:
    """Not anybody's."""
    chance = torch.Generator().manual_seed(seed)
    speaker = torch.rand(1, 256, generator=chance)
    return Voice("", speaker / speaker.norm(), torch.randint(0, START, (1, 40), generator=chance), {})


def text(length: int, seed: int = 0) -> torch.Tensor:
    """Token ids with their start and stop."""
    inside = torch.randint(1, 250, (length - 2,), generator=torch.Generator().manual_seed(100 * seed + length))
    return torch.cat((torch.tensor([255]), inside, torch.tensor([0])))


def chunk(
    t3: Any,
    length: int,
    *,
    sampling: Sampling = GREEDY,
    limit: int = 120,
    expected: int = 200,
    seed: int = 0,
    analyze: bool = False,
    given: torch.Tensor | None = None,
) -> Chunk:
    """With a text of so many tokens."""
    given = conditioning(t3, voice(), EXAGGERATION) if given is None else given
    return Chunk(text(length), given, sampling, seed, expected, limit, analyze)


def finish(decoder: Decoder) -> None:
    """Until nothing is aloft."""
    while decoder.aloft:
        decoder.step()


def decoded(decoder: Decoder, chunks: Sequence[Chunk]) -> list[list[int]]:
    """All of them together."""
    decoder.begin(chunks)
    finish(decoder)
    return [one.tokens for one in chunks]


def of_the_library(t3: Any, length: int, count: int = 120, **named: float) -> list[int]:
    """What its own loop writes, always the likeliest, for the text of `chunk`."""
    from chatterbox.models.t3.modules.cond_enc import T3Cond

    given = voice()
    cond = T3Cond(
        speaker_emb=given.speaker,
        cond_prompt_speech_tokens=given.prompt,
        emotion_adv=EXAGGERATION * torch.ones(1, 1, 1),
    )
    words = text(length)[None]
    with patch.object(torch, "multinomial", lambda shares, num_samples: shares.argmax(-1, keepdim=True)):
        if t3.is_gpt:
            # It writes one more than it is asked for.
            written = t3.inference_turbo(cond, words, max_gen_len=count - 1, **named)
        else:
            shared = {"cfg_weight": 0.5, "repetition_penalty": 1.15, "min_p": 0.05, "top_p": 1.0, **named}
            written = t3.inference(t3_cond=cond, text_tokens=words.expand(2, -1), max_new_tokens=count, **shared)
    return [token for token in written[0].tolist() if token != STOP]
