"""`python -m bench.tts.children.checkpoint FOLDER TOKENS [FULL]`: a checkpoint that speaks exactly so long, always.

Its weights are drawn at random: they take as long as real ones. As small as the miniature, or with FULL as large as the
library has it (3.2 GB). Its built-in voice has a reference of ten seconds, as the library takes it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.peer import narrating
from engines.tts.library import prepare
from engines.tts.miniature import vocabulary
from engines.tts.miniature.make import write_voice
from engines.tts.miniature.shrink import SIZES, Sizes, shrink

REFERENCE_TOKENS = 250
_SURE = 1000.0
"""Far above anything else that the head says of a token, however long what goes through the layers has become."""


def write(folder: Path, tokens: int, sizes: Sizes | None) -> None:
    """For `ChatterboxTTS.from_local`."""
    if sizes is not None:
        shrink(sizes)
        (folder / SIZES).write_bytes(msgspec.json.encode(sizes))
    prepare()
    import torch
    from chatterbox.models.s3gen import S3Gen
    from chatterbox.models.t3 import T3
    from chatterbox.models.voice_encoder import VoiceEncoder

    from engines.tts.miniature.stops import follow_text

    torch.manual_seed(0)
    t3 = T3()
    follow_text(t3, "never")
    _end_after(t3, tokens)
    _save(folder / "t3_cfg.safetensors", t3.state_dict())
    write_voice(folder / "conds.pt", t3.hp.speech_cond_prompt_len, REFERENCE_TOKENS)
    del t3
    _save(folder / "ve.safetensors", VoiceEncoder().state_dict())
    _save(folder / "s3gen.safetensors", S3Gen().state_dict())
    vocabulary.english(folder / "tokenizer.json")


def _end_after(t3: Any, tokens: int) -> None:
    """In dimensions that no layer reads or writes: all speech has the first, and from there on the second as well."""
    import torch

    here, end = 0, 5
    head, start, stop = t3.speech_head.weight, t3.hp.start_speech_token, t3.hp.stop_speech_token
    with torch.no_grad():
        places = t3.speech_pos_emb.emb.weight
        places[:, end] = 0
        places[tokens:, end] = t3.speech_emb.weight[0, here]
        head[start:] = 0
        head[start:, here] = -_SURE
        head[stop, end] = 2 * _SURE


def _save(path: Path, state: Mapping[str, Any]) -> None:
    from safetensors.torch import save_file

    save_file({key: value.contiguous().clone() for key, value in state.items()}, path)


if __name__ == "__main__":
    with narrating():
        write(Path(sys.argv[1]), int(sys.argv[2]), None if "FULL" in sys.argv[3:] else Sizes())
