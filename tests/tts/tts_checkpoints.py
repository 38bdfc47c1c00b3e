"""Checkpoints of which only the headers are real, as far as they are looked at before a load."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

from engines.tts.checkpoint import BUILT_IN_VOICE, FILES, Backend

LAYERS, WIDTH = 3, 8
MATRIX = 4 * WIDTH
TOKENS = {
    "speech_emb.weight": [10, WIDTH],
    **{f"tfmr.layers.{layer}.mlp.up_proj.weight": [MATRIX, WIDTH] for layer in range(LAYERS)},
    **{f"tfmr.layers.{layer}.input_layernorm.weight": [WIDTH] for layer in range(LAYERS)},
}
MATRICES = LAYERS * MATRIX * WIDTH
REST = 10 * WIDTH + LAYERS * WIDTH


FULL_SIZE = {
    "speech_emb.weight": [8194, 1024],
    **{f"tfmr.layers.{layer}.all.weight": [16386, 1024] for layer in range(30)},
}
"""The 532 million numbers of the part that writes tokens, with its 30 layers."""


def safetensors(path: Path, shapes: dict[str, list[int]]) -> None:
    """A whole file of zeros, 32 bits each."""
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for one in shape:
            size *= one
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(path, 8 + len(text) + at)  # no block of the disk is taken for zeros


def write(folder: Path, backend: Backend = "english") -> Path:
    """All files of that backend."""
    folder.mkdir(parents=True, exist_ok=True)
    files = FILES[backend]
    for name in (files.voice, files.tokens, files.sound):
        if name.endswith(".safetensors"):
            safetensors(folder / name, TOKENS if name == files.tokens else {"flow.weight": [16, 16]})
        else:
            with zipfile.ZipFile(folder / name, "w") as archive:
                archive.writestr("data.pkl", bytes(1024))
    (folder / files.tokenizer).write_text("{}")
    (folder / BUILT_IN_VOICE).write_bytes(b"voice")
    return folder
