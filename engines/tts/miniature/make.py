"""`python -m engines.tts.miniature.make FOLDER`: a checkpoint of a few MB, its weights drawn at random.

Its voice says nothing, but at a person's pace: the sound is as long as reading the text would take (`stops.py`).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from engines.tts.budget import Backend
from engines.tts.miniature import vocabulary
from engines.tts.miniature.shrink import SIZES, Sizes, shrink
from engines.tts.miniature.stops import Stops, follow_text

SEED: Final = 0
PROMPT_TOKENS: Final = 25
"""Of the built-in voice, for the part that makes sound: one second."""


def make(folder: Path, sizes: Sizes, backend: Backend = "english", stops: Stops = "normal") -> None:
    """Write a checkpoint for `from_local` of the library's class; the process has its sizes from then on.

    `stops`: when the text is said, at a usual or a quick pace, after twice as long, or never.
    """
    shrink(sizes)
    import torch
    from chatterbox.models.s3gen import S3Gen
    from chatterbox.models.t3 import T3
    from chatterbox.models.voice_encoder import VoiceEncoder

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    t3 = T3(_configuration(backend))
    follow_text(t3, stops)
    s3gen = S3Gen(meanflow=backend == "turbo")
    _attend(s3gen.mel2wav)
    writing, hearing, sound = t3.state_dict(), VoiceEncoder().state_dict(), s3gen.state_dict()
    if backend == "english":
        _save(folder / "t3_cfg.safetensors", writing)
        _save(folder / "ve.safetensors", hearing)
        _save(folder / "s3gen.safetensors", sound)
        vocabulary.english(folder / "tokenizer.json")
    elif backend == "multilingual":
        _save(folder / "t3_mtl23ls_v2.safetensors", writing)
        torch.save(hearing, folder / "ve.pt")
        torch.save(sound, folder / "s3gen.pt")
        vocabulary.multilingual(folder / "grapheme_mtl_merged_expanded_v1.json")
    else:
        for unread in ("tfmr.wte.weight", "text_head.weight"):
            writing[unread] = torch.zeros_like(writing[unread], dtype=torch.int8)
        _save(folder / "t3_turbo_v1.safetensors", _halves(writing))
        _save(folder / "ve.safetensors", hearing)
        _save(folder / "s3gen_meanflow.safetensors", _halves(sound))
        vocabulary.gpt2(folder)
    write_voice(folder / "conds.pt", t3.hp.speech_cond_prompt_len, PROMPT_TOKENS)
    (folder / SIZES).write_bytes(msgspec.json.encode(sizes))


def _configuration(backend: Backend) -> Any:
    """The library's own, which for Turbo it has only amid its loading."""
    from chatterbox.models.t3.modules.t3_config import T3Config

    if backend == "english":
        return T3Config.english_only()
    if backend == "multilingual":
        return T3Config.multilingual()
    config = T3Config(text_tokens_dict_size=50276)
    config.llama_config_name = "GPT2_medium"
    config.speech_tokens_dict_size = 6563
    config.input_pos_emb = None
    config.speech_cond_prompt_len = 375
    config.use_perceiver_resampler = False
    config.emotion_adv = False
    return config


def _attend(vocoder: Any) -> None:
    """As drawn, it hums one tone whatever it is given: let it listen, and to the tokens more than to noise."""
    import torch

    with torch.no_grad():
        vocoder.conv_post.bias.zero_()
        for layer in vocoder.ups:
            layer.parametrizations.weight.original0.mul_(3.0)
        for layer in vocoder.source_downs:
            layer.weight.mul_(0.05)


def _halves(state: Mapping[str, Any]) -> dict[str, Any]:
    """Turbo's table of text alone would take 6 MB."""
    return {key: value.half() if value.is_floating_point() else value for key, value in state.items()}


def _save(path: Path, state: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    save_file({key: value.contiguous().clone() for key, value in state.items()}, path)


def write_voice(path: Path, prompt_tokens: int, reference_tokens: int) -> None:
    """A built-in voice, drawn at random: so many tokens condition the writing of tokens, and so many the sound."""
    import torch
    from chatterbox.models.t3.modules.cond_enc import T3Cond
    from chatterbox.tts import Conditionals

    torch.manual_seed(SEED + 1)
    speaker = torch.rand(1, 256)
    prompt = torch.randint(0, 6561, (1, prompt_tokens))
    sound = {
        "prompt_token": torch.randint(0, 6561, (1, reference_tokens)),
        "prompt_token_len": torch.tensor([reference_tokens]),
        "prompt_feat": torch.randn(1, 2 * reference_tokens, 80),
        "prompt_feat_len": None,
        "embedding": torch.randn(1, 192),
    }
    conditioning = T3Cond(
        speaker_emb=speaker / speaker.norm(), cond_prompt_speech_tokens=prompt, emotion_adv=0.5 * torch.ones(1, 1, 1)
    )
    Conditionals(conditioning, sound).save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m engines.tts.miniature.make", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backend", choices=get_args(Backend), default="english")
    parser.add_argument("--stops", choices=get_args(Stops), default="normal")
    told = parser.parse_args()
    make(told.folder, Sizes(), told.backend, told.stops)
