"""Whatever comes and goes, and when: every order ends once, every flight lands once, and every text is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
from flying_kit import Heard, Sky
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_recorders import Orders
from llm_sky import Script

from engines.llm.engine import LlmEngine, create
from engines.llm.settings import LlmSettings

SYSTEM = "You are a patient teacher. You answer in plain and short words, and you never guess. " * 3
ASKED = ("What is a token?", "Who are you?", "word " * 60 + "Why?", "word " * 400, "")
"""The last but one is too long, the last is refused."""
SETTINGS = LlmSettings(temperature=0.0, n_ctx=256, n_batch=48, prompt_cache=1)


@dataclass(frozen=True)
class Coming:
    """A flight: the step before which it comes, what it asks, and the step before which it is cancelled, if ever."""

    step: int
    asks: tuple[tuple[int, int, bool], ...]
    """Of each order: which question, tokens at most, whether under the system message."""
    person: bool
    deterministic: bool
    cancelled: int | None


asks = st.tuples(st.integers(0, len(ASKED) - 1), st.integers(1, 14), st.booleans())
comings = st.builds(
    Coming,
    st.integers(0, 40),
    st.lists(asks, max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 50),
)


@pytest.fixture(scope="module", params=[1, 3])
def engine(request: pytest.FixtureRequest) -> Iterator[LlmEngine]:
    engine = create(Heard())
    engine.load(msgspec.structs.replace(SETTINGS, parallel=request.param))
    yield engine
    engine.close()


texts: dict[tuple[int, int, bool], str] = {}


def request(ask: tuple[int, int, bool]) -> dict[str, object]:
    question, tokens, under = ask
    if not under:
        return {"prompt": ASKED[question], "max_tokens": tokens}
    turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED[question]}]
    return {"messages": turns if ASKED[question] else [], "max_tokens": tokens}


def text(engine: LlmEngine, ask: tuple[int, int, bool]) -> str:
    """The answer when nothing else is there, and nothing was before."""
    if ask not in texts:
        engine.fly(Sky(flight := Orders([request(ask)])))
        texts[ask] = flight.answers()[0]
    return texts[ask]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(comings, max_size=6))
def test_every_order_ends_once_and_every_flight_lands_once(engine: LlmEngine, coming: list[Coming]) -> None:
    sky: Script

    def flight(one: Coming) -> Orders:
        def cancelled() -> bool:
            return one.cancelled is not None and sky.step >= one.cancelled

        requests = [request(ask) for ask in one.asks]
        return Orders(requests, stream=one.person, deterministic=one.deterministic, cancelled=cancelled)

    flights = [flight(one) for one in coming]
    sky = Script(*((one.step, flight) for one, flight in zip(coming, flights, strict=True)))
    sky.play(engine)
    for one, flight_ in zip(coming, flights, strict=True):
        assert len(flight_.ended) == len(set(flight_.ended))
        if one.cancelled is None:
            assert sorted(flight_.ended) == list(range(len(one.asks)))
        for index, done in flight_.results.items():
            assert done.answer == text(engine, one.asks[index])
            assert not one.person or "".join(flight_.pieces.get(index, [])) == done.answer
        assert all(one.asks[index][0] >= 3 for index in flight_.problems)
