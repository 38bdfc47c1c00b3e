"""`python -m engines.tts.miniature.make FOLDER`: a checkpoint of 6 MB with weights drawn at random."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from engines.tts.miniature.shrink import SIZES, Sizes, shrink

SEED = 0
PROMPT_TOKENS = 25
"""Of the built-in voice, for the part that makes sound: one second."""


def make(folder: Path, sizes: Sizes) -> None:
    """Write a checkpoint for `ChatterboxTTS.from_local`. Call it once in a process: sizes stay."""
    shrink(sizes)
    import torch
    from chatterbox.models.s3gen import S3Gen
    from chatterbox.models.t3 import T3
    from chatterbox.models.voice_encoder import VoiceEncoder
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    t3 = T3()
    parts = {"ve.safetensors": VoiceEncoder(), "t3_cfg.safetensors": t3, "s3gen.safetensors": S3Gen()}
    for name, part in parts.items():
        state = part.state_dict().items()
        save_file({key: value.contiguous().clone() for key, value in state if not value.is_complex()}, folder / name)
    _tokenizer(folder / "tokenizer.json")
    _voice(folder / "conds.pt", t3)
    (folder / SIZES).write_bytes(msgspec.json.encode(sizes))


def _tokenizer(path: Path) -> None:
    """A token for each character."""
    special = ["[STOP]", "[UNK]", "[SPACE]", "[PAD]", "[SEP]", "[CLS]", "[MASK]"]
    characters = [*map(chr, range(33, 127)), *"éèêëàâçîïôûùüœæñáíóúÉÀß¿¡äöÄÖÜ"]
    vocabulary = {token: number for number, token in enumerate([*special, *characters])}
    vocabulary["[START]"] = 255
    added = [
        {"id": vocabulary[token], "content": token, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for token in ("[START]", "[STOP]", "[UNK]", "[SPACE]")
    ]  # fmt: skip
    path.write_text(
        json.dumps(
            {
                "version": "1.0",
                "added_tokens": added,
                "pre_tokenizer": {
                    "type": "Split",
                    "pattern": {"Regex": r"\[[A-Z]+\]|."},
                    "behavior": "Isolated",
                    "invert": False,
                },
                "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
            },
            ensure_ascii=False,
        )
    )


def _voice(path: Path, t3: Any) -> None:
    import torch
    from chatterbox.models.t3.modules.cond_enc import T3Cond
    from chatterbox.tts import Conditionals

    torch.manual_seed(SEED + 1)
    speaker = torch.rand(1, 256)
    prompt = torch.randint(0, 6561, (1, t3.hp.speech_cond_prompt_len))
    sound = {
        "prompt_token": torch.randint(0, 6561, (1, PROMPT_TOKENS)),
        "prompt_token_len": torch.tensor([PROMPT_TOKENS]),
        "prompt_feat": torch.randn(1, 2 * PROMPT_TOKENS, 80),
        "prompt_feat_len": None,
        "embedding": torch.randn(1, 192),
    }
    conditioning = T3Cond(
        speaker_emb=speaker / speaker.norm(), cond_prompt_speech_tokens=prompt, emotion_adv=0.5 * torch.ones(1, 1, 1)
    )
    Conditionals(conditioning, sound).save(path)


if __name__ == "__main__":
    make(Path(sys.argv[1]), Sizes())
