"""The loop: whatever the units in the air need next is computed in one batch, then each draws its next token.

A unit that writes needs one place in the batch; what is left goes to prompts being read, in order. So a long prompt
never stops the others, and the same flight is always computed in the same batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from engines.contract import Flight, Report
from engines.llm.chat import Chat
from engines.llm.context import Context, Stretch
from engines.llm.lane import Lane
from engines.llm.request import parse
from engines.llm.sampling import Sampler, resolve
from engines.llm.settings import LlmSettings
from engines.llm.vocabulary import Vocabulary
from ipc.errors import Problem, RequestFailed
from ipc.work import UnitOrder


@dataclass(frozen=True)
class Tools:
    """What every unit is worked on with."""

    context: Context
    vocabulary: Vocabulary
    chat: Chat
    settings: LlmSettings


def generate(flight: Flight, tools: Tools, report: Report) -> None:
    """Work until every order ended or the flight is cancelled; the context is empty afterwards.

    Raises:
        OutOfMemory
    """
    waiting = deque(flight.orders)
    free = deque(range(tools.context.parallel))
    lanes: list[Lane] = []

    def stop() -> bool:
        report.step()
        return flight.cancelled()

    try:
        while (waiting or lanes) and not flight.cancelled():
            while waiting and free:
                order = waiting.popleft()
                try:
                    lanes.append(_board(order, free[0], tools, deterministic=flight.deterministic))
                    free.popleft()
                except RequestFailed as error:
                    flight.failed(order, error.problem)
            if not lanes:
                return
            turns = share(lanes, tools.context.capacity)
            outputs = tools.context.compute([stretch for _, stretch in turns], stop)
            if outputs is None:
                return
            report.tokens(_draw(turns, outputs, flight, tools))
            for lane in [lane for lane in lanes if lane.finish or lane.problem]:
                lanes.remove(lane)
                free.append(lane.sequence)
                tools.context.forget(lane.sequence)
                _land(lane, flight)
    finally:
        for lane in lanes:
            lane.close()
        tools.context.forget()


def share(lanes: Sequence[Lane], capacity: int) -> list[tuple[Lane, Stretch]]:
    """Who computes what in the next batch of at most `capacity` tokens: writers first, then prompts in order."""
    turns = []
    for lane in sorted(lanes, key=lambda lane: len(lane.pending) > 1):
        stretch = lane.next_stretch(capacity)
        capacity -= len(stretch.tokens)
        if stretch.tokens:
            turns.append((lane, stretch))
    return turns


def _board(order: UnitOrder, sequence: int, tools: Tools, *, deterministic: bool) -> Lane:
    request = parse(order.payload)
    prompt = tools.vocabulary.tokens(tools.chat.text(request))
    room = tools.context.length - len(prompt)
    if not prompt:
        raise RequestFailed(Problem("Empty prompt", "The prompt has no tokens.", "Write something to answer."))
    if room < 1:
        raise RequestFailed(
            Problem(
                "Prompt too long",
                f"The prompt has {len(prompt)} tokens and the context {tools.context.length}.",
                "Shorten it, or raise `n_ctx` where the model allows it.",
            )
        )
    limit = min(request.max_tokens or tools.settings.max_tokens, room)
    sampling = resolve(request, tools.settings, order.index, deterministic=deterministic)
    return Lane(order, sequence, prompt, limit, request.stops(), Sampler(sampling, tools.vocabulary))


def _draw(turns: Sequence[tuple[Lane, Stretch]], outputs: Sequence[int], flight: Flight, tools: Tools) -> int:
    """Returns how many tokens were written."""
    at = iter(outputs)
    written = 0
    for lane, stretch in turns:
        lane.computed(stretch)
        if stretch.sample:
            before = lane.tokens
            text = lane.draw(tools.context.pointer, next(at), tools.vocabulary)
            written += lane.tokens - before
            if text and flight.stream:
                flight.piece(lane.order, text)
    return written


def _land(lane: Lane, flight: Flight) -> None:
    lane.close()
    if lane.problem is not None:
        flight.failed(lane.order, lane.problem)
        return
    flight.done(
        lane.order,
        lane.result(),
        tokens=lane.tokens,
        seconds=lane.seconds(),
        ttft_seconds=lane.ttft_seconds,
    )
