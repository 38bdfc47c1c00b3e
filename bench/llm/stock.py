"""Peer: llama-cpp-python's own high-level class, its defaults kept but for threads, batch and greedy drawing.

    python -m bench.llm.stock MODEL CONTEXT_LENGTH THREADS [GPU]

It answers one prompt after the other: that is what the class can do.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, cast

from llama_cpp import Llama

from bench.llm.render import Message, Rendering, messages_of
from bench.peer import Told, obey

BATCH = 512


class Stock:
    """A loaded model, after its first token: an engine has written one, too, before it is called ready."""

    def __init__(self, model: str, length: int, threads: int, *, gpu: bool) -> None:
        self._llama = Llama(
            model, n_ctx=length, n_batch=BATCH, n_threads=threads, n_threads_batch=threads,
            n_gpu_layers=-1 if gpu else 0, verbose=False,
        )  # fmt: skip
        self._rendering = Rendering(self._llama.metadata.get("tokenizer.chat_template"))
        self._complete("Hello", 1)

    def batch(self, source: str, output: str) -> Told:
        """Answer a whole file."""
        written = 0
        with open(source) as prompts, open(output, "w") as answers:
            for line in prompts:
                request = json.loads(line)
                done = self._complete(self._rendering.text(messages_of(request)), request["max_tokens"])
                count = done["usage"]["completion_tokens"]
                answers.write(
                    json.dumps({"id": request["id"], "answer": done["choices"][0]["text"], "tokens": count}) + "\n"
                )
                written += count
            answers.flush()
            os.fsync(answers.fileno())
        return {"tokens": written}

    def write(self, messages: list[Message], max_tokens: int) -> Told:
        """Answer one as a stream; its seconds are those inside this process."""
        began = time.perf_counter()
        first, text = None, self._rendering.text(messages)
        pieces = self._llama.create_completion(text, max_tokens=max_tokens, temperature=0.0, stream=True)
        for piece in cast("Iterator[dict[str, Any]]", pieces):
            if first is None and piece["choices"][0]["text"]:
                first = time.perf_counter() - began
        seconds = time.perf_counter() - began
        prompt = len(self._llama.tokenize(text.encode(), special=True))
        # The token drawn last is never computed, so it is not among those that the class counts.
        tokens = self._llama.n_tokens - prompt + 1
        return {"tokens": tokens, "prompt_tokens": prompt, "seconds": seconds, "first": first}

    def _complete(self, text: str, max_tokens: int) -> dict[str, Any]:
        return cast("dict[str, Any]", self._llama.create_completion(text, max_tokens=max_tokens, temperature=0.0))


def main() -> None:
    """Obey stdin until its end."""
    stock = Stock(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), gpu="GPU" in sys.argv[4:])
    obey({"batch": stock.batch, "write": stock.write})


if __name__ == "__main__":
    main()
