"""The peer of `bench.overhead`: llama.cpp and a loop, with no Engine Room around it.

    python -m bench.bare MODEL CONTEXT_LENGTH

Loads, says `ready`, then for each line `INPUT OUTPUT` on stdin answers the prompts of INPUT greedily, one after the
other on one thread, writes the answers to OUTPUT, syncs it, and says how many tokens they have: a batch script.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

import llama_cpp as lib
from jinja2 import Template


class Bare:
    """A loaded model."""

    def __init__(self, model: Path, length: int) -> None:
        self._log = lib.llama_log_callback(lambda *_: None)  # must live as long as the library may call it
        lib.llama_log_set(self._log, None)
        lib.llama_backend_init()
        self._model = lib.llama_model_load_from_file(str(model).encode(), lib.llama_model_default_params())
        parameters = lib.llama_context_default_params()
        parameters.n_ctx = length
        parameters.n_batch = parameters.n_ubatch = min(length, 512)
        parameters.n_threads = parameters.n_threads_batch = 1
        parameters.no_perf = True
        self._context = lib.llama_init_from_model(self._model, parameters)
        self._memory = lib.llama_get_memory(self._context)
        self._vocabulary = lib.llama_model_get_vocab(self._model)
        self._sampler = lib.llama_sampler_init_greedy()
        template = lib.llama_model_chat_template(self._model, None)
        self._template = Template(template.decode()) if template else None
        self._pieces: dict[int, bytes] = {}

    def answer(self, prompt: str, max_tokens: int) -> tuple[str, int]:
        """The answer, and how many tokens it has."""
        lib.llama_memory_clear(self._memory, False)
        tokens = self._tokens(self._rendered(prompt))
        batch = lib.llama_batch_get_one(tokens, len(tokens))
        one = (lib.llama_token * 1)()
        said: list[bytes] = []
        while len(said) < max_tokens:
            if status := lib.llama_decode(self._context, batch):
                sys.exit(f"llama_decode answered {status}")
            token = lib.llama_sampler_sample(self._sampler, self._context, -1)
            if lib.llama_vocab_is_eog(self._vocabulary, token):
                break
            said.append(self._piece(token))
            one[0] = token
            batch = lib.llama_batch_get_one(one, 1)
        return b"".join(said).decode("utf-8", "replace"), len(said)

    def _rendered(self, prompt: str) -> str:
        if self._template is None:
            return prompt
        messages = [{"role": "user", "content": prompt}]
        return str(self._template.render(messages=messages, add_generation_prompt=True))

    def _tokens(self, text: str) -> Any:
        data = text.encode()
        buffer = (lib.llama_token * (len(data) + 8))()
        count = lib.llama_tokenize(self._vocabulary, data, len(data), buffer, len(buffer), True, True)
        return (lib.llama_token * count)(*buffer[:count])

    def _piece(self, token: int) -> bytes:
        if token not in self._pieces:
            buffer = (ctypes.c_char * 64)()
            count = lib.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
            self._pieces[token] = buffer.raw[:count]
        return self._pieces[token]


def work(bare: Bare, source: Path, output: Path) -> int:
    """Answer a whole file; returns how many tokens were written."""
    written = 0
    with source.open() as prompts, output.open("w") as answers:
        for line in prompts:
            request = json.loads(line)
            text, count = bare.answer(request["prompt"], request["max_tokens"])
            answers.write(json.dumps({"id": request["id"], "answer": text, "tokens": count}) + "\n")
            written += count
        answers.flush()
        os.fsync(answers.fileno())
    return written


def main() -> None:
    """Obey stdin until its end."""
    bare = Bare(Path(sys.argv[1]), int(sys.argv[2]))
    print("ready", flush=True)
    for line in sys.stdin:
        source, output = line.split()
        print(work(bare, Path(source), Path(output)), flush=True)


if __name__ == "__main__":
    main()
