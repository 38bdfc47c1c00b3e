"""Peer: continuous batching over llama.cpp's C functions, as a careful batch script has it, and nothing else around it.

    python -m bench.llm.loop MODEL CONTEXT_LENGTH LANES THREADS [GPU]

Each sequence has the whole context length to itself (the cache is not unified); the batch is made once; a sequence
that ends makes room for the next prompt at once, and prompts are read beside those that write.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import llama_cpp as lib

from bench.llm.render import Rendering, messages_of
from bench.peer import Told, obey

BATCH = 512


@dataclass
class Lane:
    """One sequence that is read or written."""

    id: int
    pending: list[int]
    limit: int
    position: int = 0
    said: list[bytes] = field(default_factory=list)


class Loop:
    """A loaded model."""

    def __init__(self, model: Path, length: int, lanes: int, threads: int, *, gpu: bool) -> None:
        self._log = lib.llama_log_callback(lambda *_: None)  # must live as long as the library may call it
        lib.llama_log_set(self._log, None)
        lib.llama_backend_init()
        loading = lib.llama_model_default_params()
        loading.n_gpu_layers = 999 if gpu else 0
        self._model = lib.llama_model_load_from_file(str(model).encode(), loading)
        if not self._model:
            sys.exit(f"llama.cpp cannot load {model}")
        parameters = lib.llama_context_default_params()
        parameters.n_ctx = length * lanes
        parameters.n_seq_max = parameters.n_outputs_max = lanes
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.kv_unified = False
        parameters.no_perf = True
        self._context = lib.llama_init_from_model(self._model, parameters)
        if not self._context:
            sys.exit(f"llama.cpp has no context of {length} × {lanes} tokens")
        self._memory = lib.llama_get_memory(self._context)
        self._vocabulary = lib.llama_model_get_vocab(self._model)
        self._sampler = lib.llama_sampler_init_greedy()
        self._lanes = lanes
        self._batch = batch = lib.llama_batch_init(BATCH, 0, 1)
        self._places = (batch.token, batch.pos, batch.n_seq_id, batch.seq_id, batch.logits)
        template = lib.llama_model_chat_template(self._model, None)
        self._rendering = Rendering(template.decode() if template else None)
        self._pieces: dict[int, bytes] = {}

    def set_threads(self, threads: int) -> None:
        """From the next batch on."""
        lib.llama_set_n_threads(self._context, threads, threads)

    def answers(self, requests: Iterable[dict[str, Any]]) -> Iterator[tuple[int, str, int]]:
        """Id, answer and number of tokens of each, as they end."""
        lib.llama_memory_clear(self._memory, False)
        waiting = deque(requests)
        free = list(range(self._lanes))
        lanes: dict[int, Lane] = {}
        while waiting or lanes:
            while waiting and free:
                request = waiting.popleft()
                tokens = self._tokens(self._rendering.text(messages_of(request)))
                lanes[heappop(free)] = Lane(request["id"], tokens, request["max_tokens"])
            for sequence, at in self._compute(lanes):
                lane = lanes[sequence]
                token = lib.llama_sampler_sample(self._sampler, self._context, at)
                if not lib.llama_vocab_is_eog(self._vocabulary, token):
                    lane.said.append(self._piece(token))
                    lane.pending.append(token)
                    if len(lane.said) < lane.limit:
                        continue
                del lanes[sequence]
                heappush(free, sequence)
                lib.llama_memory_seq_rm(self._memory, sequence, -1, -1)
                yield lane.id, b"".join(lane.said).decode("utf-8", "replace"), len(lane.said)

    def _compute(self, lanes: dict[int, Lane]) -> list[tuple[int, int]]:
        """One batch: whoever writes, then prompts. Sequences that can draw now, and where in the batch.

        In order of the sequences: with a cache for each, the library computes together only those whose numbers follow
        one another, so that free numbers are given out from the lowest, too.
        """
        tokens, positions, counts, sequences, wanted = self._places
        outputs, at, room = [], 0, BATCH - len(lanes)
        for sequence, lane in sorted(lanes.items()):
            taken = lane.pending[: room + 1]
            room -= len(taken) - 1
            for token in taken:
                tokens[at] = token
                positions[at] = lane.position
                counts[at] = 1
                sequences[at][0] = sequence
                wanted[at] = False
                lane.position += 1
                at += 1
            del lane.pending[: len(taken)]
            if not lane.pending:
                wanted[at - 1] = True
                outputs.append((sequence, at - 1))
        self._batch.n_tokens = at
        if status := lib.llama_decode(self._context, self._batch):
            sys.exit(f"llama_decode answered {status}")
        return outputs

    def _tokens(self, text: str) -> list[int]:
        data = text.encode()
        buffer = (lib.llama_token * (len(data) + 8))()
        count = lib.llama_tokenize(self._vocabulary, data, len(data), buffer, len(buffer), True, True)
        return buffer[:count]

    def _piece(self, token: int) -> bytes:
        if token not in self._pieces:
            buffer = (ctypes.c_char * 64)()
            count = lib.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
            self._pieces[token] = buffer.raw[:count]
        return self._pieces[token]

    def batch(self, source: str, output: str, threads: int = 0) -> Told:
        """Answer a whole file."""
        if threads:
            self.set_threads(threads)
        with open(source) as prompts, open(output, "w") as answers:
            written = 0
            for number, text, count in self.answers([json.loads(line) for line in prompts]):
                answers.write(json.dumps({"id": number, "answer": text, "tokens": count}) + "\n")
                written += count
            answers.flush()
            os.fsync(answers.fileno())
        return {"tokens": written}

    def write(self, prompt: str, max_tokens: int) -> Told:
        """Answer one with the least that suffices for it; its seconds are those inside this process."""
        began = time.perf_counter()
        lib.llama_memory_clear(self._memory, False)
        tokens = self._tokens(self._rendering.text(messages_of({"prompt": prompt})))
        held = (lib.llama_token * len(tokens))(*tokens)  # a batch points to its tokens and does not keep them
        batch = lib.llama_batch_get_one(held, len(held))
        one = (lib.llama_token * 1)()
        said: list[bytes] = []
        while len(said) < max_tokens:
            if status := lib.llama_decode(self._context, batch):
                sys.exit(f"llama_decode answered {status}")
            one[0] = token = lib.llama_sampler_sample(self._sampler, self._context, -1)
            if lib.llama_vocab_is_eog(self._vocabulary, token):
                break
            said.append(self._piece(token))
            batch = lib.llama_batch_get_one(one, 1)
        return {"tokens": len(said), "seconds": time.perf_counter() - began}


def main() -> None:
    """Obey stdin until its end."""
    loop = Loop(Path(sys.argv[1]), *map(int, sys.argv[2:5]), gpu="GPU" in sys.argv[5:])
    obey({"batch": loop.batch, "write": loop.write})


if __name__ == "__main__":
    main()
