"""What a streamed answer costs over computing it: one interactive request through socket and supervisor.

The model is so small that next to nothing is left of a token but what is around it. `decode` is a bare loop over the C
functions (`bench.llm.loop`), timed within its process: read the prompt, compute, draw, look the bytes up. Ours is timed
at a client, from just before the request leaves until the answer is complete and all its pieces are here. The stock
class, `create_completion(stream=True)`, is timed within its process: nothing is added for getting anywhere.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from contextlib import ExitStack

from bench import table
from bench.llm import ours
from bench.llm.models import model_file
from bench.llm.throughput import Bench
from bench.peer import PeerFailed, peer

LENGTH = 2048
PROMPT = "once upon a time"
LENGTHS = (128, 512, 2000)
AIM = 110
"""Microseconds a token over the bare loop."""
DECODE, US, STOCK = "decode", "Engine Room", "stock class, stream=True"


def show(bench: Bench) -> None:
    """Measure each length, print the table."""
    model = model_file(bench.folder, "nano")
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        room = stack.enter_context(ours.open_engine(model, {"n_ctx": LENGTH, "gpu": "cpu"}))
        loop = stack.enter_context(peer("bench.llm.loop", [str(model), str(LENGTH), "1", "1"], room.environment))
        contestants: dict[str, Callable[[int], tuple[int, float]]] = {
            DECODE: lambda count: _timed(loop.ask(do="write", prompt=PROMPT, max_tokens=count)),
            US: lambda count: _ours(ours.ask(room, {"prompt": PROMPT, "max_tokens": count})),
        }
        try:
            stock = stack.enter_context(peer("bench.llm.stock", [str(model), str(LENGTH), "1"], room.environment))
            said = [{"role": "user", "content": PROMPT}]
            contestants[STOCK] = lambda count: _timed(stock.ask(do="write", messages=said, max_tokens=count))
        except PeerFailed as failure:
            failed[STOCK] = str(failure)
        costs = ("decode µs/token", "Engine Room µs/token", "over decode", "stock µs/token", "over decode")
        table.head(("tokens", *costs, "written"))
        for count in LENGTHS[:2] if bench.quick else LENGTHS:
            _line(count, contestants, 2 * bench.rounds + 1)
    table.reasons(failed)


def _line(count: int, contestants: dict[str, Callable[[int], tuple[int, float]]], rounds: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    written: dict[str, int] = {}
    for number in range(rounds + 1):
        for name, run in contestants.items():
            written[name], seconds = run(count)
            if number:
                taken[name].append(seconds / written[name] * 1e6)
    median = {name: statistics.median(values) for name, values in taken.items()}
    over = {
        name: statistics.median(one - bare for one, bare in zip(values, taken[DECODE], strict=True))
        for name, values in taken.items()
    }
    same = "the same" if len(set(written.values())) == 1 else f"NOT the same: {written}"
    table.line(
        f"{count:,}",
        table.number(median[DECODE]),
        table.number(median[US]),
        f"**{over[US]:.0f}** (aim: at most {AIM})",
        table.number(median.get(STOCK)),
        table.number(over.get(STOCK)),
        same,
    )


def _timed(told: dict[str, float]) -> tuple[int, float]:
    return int(told["tokens"]), told["seconds"]


def _ours(reply: ours.Reply) -> tuple[int, float]:
    return reply.tokens, reply.seconds
