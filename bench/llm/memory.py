"""Memory of one engine's process after so many messages: what grows with them is lost.

Each message is a request with the last turns of the conversation in it, as a chat sends it. The slope leaves the first
messages out, in which the process still grows to its size.
"""

from __future__ import annotations

import json

import psutil

from bench import table
from bench.job import processes_of
from bench.llm import ours
from bench.llm.models import model_file
from bench.llm.throughput import Bench
from bench.room import ROOT, Room

AFTER = (1, 10, 50, 100)
TURNS = 5
"""Of the conversation, in each message: odd, so that it begins and ends with the user."""
MIB = 2**20


def show(bench: Bench) -> None:
    """Measure, print the table."""
    model = model_file(bench.folder, "miniature")
    after = AFTER[:3] if bench.quick else AFTER
    with ours.open_engine(model, {"n_ctx": 1024, "gpu": "cpu", "max_tokens": 48}) as room:
        found = measure(room, after)
    table.head(("messages", "RSS MiB", "tokens written so far"))
    for count, (rss, tokens) in found.items():
        table.line(str(count), table.number(rss / MIB, 2), f"{tokens:,}")
    first, last = after[1], after[-1]
    slope = (found[last][0] - found[first][0]) / (last - first)
    print(f"\nFrom {first} to {last} messages: {slope / 1024:+.2f} KiB a message.")


def measure(room: Room, after: tuple[int, ...]) -> dict[int, tuple[int, int]]:
    """RSS in bytes, and tokens written so far, by number of messages."""
    lines = (ROOT / "examples" / "prompts.jsonl").read_text().splitlines()
    questions = [request["prompt"] for request in map(json.loads, lines) if "prompt" in request]
    process = psutil.Process(processes_of(room, ours.ENGINE)["engine"])
    turns: list[dict[str, str]] = []
    found: dict[int, tuple[int, int]] = {}
    written = 0
    for number in range(1, after[-1] + 1):
        turns.append({"role": "user", "content": questions[number % len(questions)]})
        reply = ours.ask(room, {"messages": turns[-TURNS:]})
        turns.append({"role": "assistant", "content": reply.answer})
        written += reply.tokens
        if number in after:
            found[number] = (process.memory_info().rss, written)
    return found
