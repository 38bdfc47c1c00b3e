"""Seconds to the first piece behind a long system prompt: just loaded, again, and after the engine's process is new.

Ours at the client, from just before the request leaves until the first piece is here, and as the engine measures it;
the stock class within its own process. Both have written one token of something else when they are asked. `cold` and
`warm` send the system prompt in `messages`; the lines of the knob `system_prompt` need an engine that has it: its state
is kept in the data folder, which is emptied, left, and read by a new process.
"""

from __future__ import annotations

import shutil
import statistics
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import table
from bench.llm import ours
from bench.llm.models import model_file
from bench.llm.throughput import Bench
from bench.peer import PeerFailed, peer
from bench.room import Room
from engines.llm.settings import LlmSettings
from ipc import control
from ipc.places import data_folder, prompts_folder

LENGTH = 1024
SYSTEM = " ".join(f"you know {a}{b}{c} and all that can be said of it" for a in "bdfg" for b in "aei" for c in "nr")
"""About 500 tokens of the random model."""
KNOB = "system_prompt"
COLD, WARM, OTHER = "cold: just loaded", "warm: another question", "after a question about something else"
CLEARED, KNOWN, RESTORED = "knob, no saved state: just loaded", "knob, warm", "knob, restored by a new process"
AIM_MS = 30
STOCK = "stock class"


def show(bench: Bench) -> None:
    """Measure each, print the table."""
    model = model_file(bench.folder, "random")
    found: defaultdict[str, list[ours.Reply]] = defaultdict(list)
    stock: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    failed: dict[str, str] = {}
    knobs: ours.Knobs = {"n_ctx": LENGTH, "gpu": "cpu"}
    with ExitStack() as stack:
        plain = stack.enter_context(ours.open_engine(model, knobs))
        told = KNOB in LlmSettings.__struct_fields__
        prompted = stack.enter_context(ours.open_engine(model, {**knobs, KNOB: SYSTEM})) if told else None
        for _ in range(bench.rounds):
            ours.order(plain, control.Restart(ours.ENGINE))
            for what, payload in _questions():
                found[what].append(ours.ask(plain, payload))
            if STOCK not in failed:
                try:
                    _ask_stock(model, plain, stock)
                except PeerFailed as failure:
                    failed[STOCK] = str(failure)
                    stock.clear()
            if prompted is not None:
                _ask_prompted(prompted, found)
    _print(found, stock)
    table.reasons(failed)
    if not told:
        print(f"\nThe knob `{KNOB}` is not there yet: nothing is restored.")


def _questions() -> list[tuple[str, dict[str, Any]]]:
    return [
        (COLD, _payload("what is the first thing", SYSTEM)),
        (WARM, _payload("and what comes then", SYSTEM)),
        ("", _payload("something else altogether")),
        (OTHER, _payload("so what was it", SYSTEM)),
    ]


def _payload(question: str, system: str = "") -> dict[str, Any]:
    turns = [{"role": "system", "content": system}] if system else []
    return {"messages": [*turns, {"role": "user", "content": question}], "max_tokens": 4}


def _ask_stock(model: Path, room: Room, stock: defaultdict[str, list[dict[str, Any]]]) -> None:
    with peer("bench.llm.stock", [str(model), str(LENGTH), "1"], room.environment) as there:
        for what, payload in _questions():
            stock[what].append(there.ask(do="write", **payload))


def _ask_prompted(room: Room, found: defaultdict[str, list[ours.Reply]]) -> None:
    ours.order(room, control.Stop(ours.ENGINE))
    shutil.rmtree(prompts_folder(data_folder(room.environment)), ignore_errors=True)
    ours.order(room, control.Start(ours.ENGINE))
    found[CLEARED].append(ours.ask(room, _payload("what is the first thing")))
    found[KNOWN].append(ours.ask(room, _payload("and what comes then")))
    ours.order(room, control.Restart(ours.ENGINE))
    found[RESTORED].append(ours.ask(room, _payload("so what was it")))


def _print(found: dict[str, list[ours.Reply]], stock: dict[str, list[dict[str, Any]]]) -> None:
    table.head(("first piece after", "Engine Room ms", "within the engine ms", "stock class ms", "prompt tokens"))
    for what in (COLD, WARM, OTHER, CLEARED, KNOWN, RESTORED):
        replies, told = found.get(what, []), stock.get(what, [])
        first = _median_ms([reply.first for reply in replies])
        counts = dict.fromkeys([*(reply.prompt_tokens for reply in replies), *(one["prompt_tokens"] for one in told)])
        table.line(
            what,
            f"**{first}** (aim: at most {AIM_MS})" if what == RESTORED and replies else first,
            _median_ms([reply.engine_first for reply in replies]),
            _median_ms([one["first"] for one in told]),
            " / ".join(map(str, counts)) or table.UNKNOWN,
        )


def _median_ms(seconds: list[float | None]) -> str:
    known = [one for one in seconds if one is not None]
    return table.number(statistics.median(known) * 1e3 if known else None, 1)
