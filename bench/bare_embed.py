"""The peer of `bench.embed`: tokenizers, onnxruntime and a loop, with no Engine Room around them.

    python -m bench.bare_embed FOLDER THREADS

Loads, says `ready`, then for each line `TEXTS BATCH` on stdin (a file with a JSON list, a number) computes a vector for
each text, so many at once, and says how many seconds that took: what a program of one's own would do.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as lib
from tokenizers import Tokenizer


class Bare:
    """A loaded model."""

    def __init__(self, folder: Path, threads: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(json.loads((folder / "embedding.json").read_text())["max_tokens"])
        options = lib.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = lib.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])

    def vectors(self, texts: list[str]) -> Any:
        """All of them at once, padded to the longest."""
        found = [one.ids for one in self._tokenizer.encode_batch_fast(texts)]
        longest = max(map(len, found))
        ids = np.zeros((len(texts), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(found):
            ids[row, : len(one)] = one
            mask[row, : len(one)] = 1
        return self._session.run(["embeddings"], {"input_ids": ids, "attention_mask": mask})[0]


def main() -> None:
    """Obey stdin until its end."""
    bare = Bare(Path(sys.argv[1]), int(sys.argv[2]))
    print("ready", flush=True)
    for line in sys.stdin:
        path, batch = line.split()
        texts, size = json.loads(Path(path).read_text()), int(batch)
        began = time.perf_counter()
        for at in range(0, len(texts), size):
            bare.vectors(texts[at : at + size])
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
