"""Whose energy it was: the counter of each GPU, divided among the engines at work there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ipc.snapshot import GpuReading
from supervisor.gpus.energy import GAP_SECONDS, EnergyMeter
from supervisor.gpus.sampler import blank

NOBODY: frozenset[str] = frozenset()
WRITER, VOICE, BOTH = frozenset({"writer"}), frozenset({"voice"}), frozenset({"writer", "voice"})
A, B = "GPU-a", "GPU-b"


def gpu(
    joules: float | None, at: float, uuid: str = A, watts: float | None = 100.0, *, stale: bool = False
) -> GpuReading:
    return replace(blank(0, 1e9 + at), uuid=uuid, energy_joules=joules, power_watts=watts, stale=stale)


def counted(*seconds: tuple[float | None, frozenset[str]]) -> EnergyMeter:
    """One GPU, read every second from 0: its counter, and who was at work before that."""
    meter = EnergyMeter()
    for at, (joules, engines) in enumerate(seconds):
        meter.read((gpu(joules, at),), {A: engines}, at)
    return meter


@pytest.mark.parametrize(
    ("seconds", "writer", "voice"),
    [
        ([(500, NOBODY), (600, WRITER), (650, WRITER)], 150, None),
        ([(500, NOBODY), (600, BOTH), (660, WRITER)], 110, 50),
        ([(500, WRITER), (600, NOBODY), (700, WRITER)], 100, None),
        ([(500, WRITER), (600, NOBODY)], 0, None),
        ([(500, WRITER), (20, WRITER), (50, WRITER)], 30, None),
        ([(None, WRITER), (None, WRITER)], None, None),
        ([(500, WRITER), (None, VOICE), (700, WRITER)], 100, 100),
    ],
    ids=[
        "alone", "shared", "with a pause", "nobody's", "a driver loaded anew", "a card that does not count",
        "a count that was not told",
    ],
)  # fmt: skip
def test_what_a_gpu_spends_is_divided_among_those_at_work(
    seconds: list[tuple[float | None, frozenset[str]]], writer: float | None, voice: float | None
) -> None:
    meter, end = counted(*seconds), float(len(seconds) - 1)
    assert meter.joules("writer", end) == writer
    assert meter.joules("voice", end) == voice


def test_an_engine_on_two_gpus_has_its_part_of_both() -> None:
    meter = EnergyMeter()
    for at in (0.0, 1.0):
        meter.read((gpu(100 * at, at), gpu(30 * at, at, B)), {A: WRITER, B: BOTH}, at)
    assert meter.joules("writer", 1.0) == 115
    assert meter.joules("voice", 1.0) == 15


def test_a_reading_that_comes_twice_counts_once_for_both_seconds() -> None:
    meter = EnergyMeter()
    late = gpu(100, 0.0)
    meter.read((late,), {A: WRITER}, 0.0)
    meter.read((late,), {A: WRITER}, 1.0)
    assert meter.joules("writer", 1.0) == 100, "guessed by its power"
    meter.read((gpu(400, 2.0),), {A: VOICE}, 2.0)
    assert meter.joules("writer", 2.0) == 150
    assert meter.joules("voice", 2.0) == 150


@pytest.mark.parametrize("lost", ["stale", "gone from the list", "not read at all"])
def test_what_a_lost_card_spent_is_nobodys(lost: str) -> None:
    meter = counted((0, WRITER), (100, WRITER))
    for at in range(2, 6) if lost != "not read at all" else ():
        meter.read((gpu(100, 1.0, stale=True),) if lost == "stale" else (), {A: WRITER}, at)
    meter.read((gpu(900, 6.0, watts=None),), {A: WRITER}, 6.0)
    assert meter.joules("writer", 6.0) == 100
    meter.read((gpu(950, 7.0, watts=None),), {A: WRITER}, 7.0)
    assert meter.joules("writer", 7.0) == 150


def test_a_card_that_was_stale_for_a_moment_begins_anew() -> None:
    meter = counted((0, WRITER), (100, WRITER))
    meter.read((gpu(100, 1.0, stale=True),), {A: WRITER}, 2.0)
    meter.read((gpu(900, 3.0),), {A: WRITER}, 3.0)
    assert meter.joules("writer", 3.0) == 100


def test_between_counts_the_last_known_power_is_divided_and_goes_no_further_than_a_gap() -> None:
    meter = counted((0, BOTH), (100, BOTH))
    assert meter.joules("writer", 1.0) == 50
    assert meter.joules("writer", 1.5) == 75
    assert meter.joules("writer", 60.0) == 50 + 50 * GAP_SECONDS
    assert meter.joules("writer", 2.0) == 50 + 50 * GAP_SECONDS, "it never goes back"


def test_a_guess_that_was_too_high_waits_for_the_count() -> None:
    meter = counted((0, WRITER), (100, WRITER))
    assert meter.joules("writer", 2.0) == 200
    meter.read((gpu(150, 2.0),), {A: NOBODY}, 2.0)
    meter.read((gpu(190, 3.0),), {A: WRITER}, 3.0)
    assert meter.joules("writer", 3.0) == 200
    meter.read((gpu(250, 4.0),), {A: WRITER}, 4.0)
    assert meter.joules("writer", 4.0) == 200
    meter.read((gpu(400, 5.0),), {A: WRITER}, 5.0)
    assert meter.joules("writer", 5.0) == 350


def test_an_engine_at_rest_is_given_no_guess() -> None:
    meter = counted((0, WRITER), (100, WRITER), (200, NOBODY))
    assert meter.joules("writer", 2.9) == 100


def test_an_engine_that_moved_to_a_card_that_does_not_count_is_unknown() -> None:
    meter = counted((0, WRITER), (100, WRITER))
    meter.read((gpu(200, 2.0), gpu(None, 2.0, B)), {B: WRITER}, 2.0)
    assert meter.joules("writer", 2.0) is None
    meter.read((gpu(300, 3.0), gpu(None, 3.0, B)), {A: WRITER, B: WRITER}, 3.0)
    assert meter.joules("writer", 3.0) == 200, "what is counted of it is told"


def test_cards_without_a_uuid_are_not_taken_for_one() -> None:
    meter = EnergyMeter()
    for at in (0.0, 1.0):
        meter.read((gpu(10 + at, at, ""), gpu(9000 + at, at, "")), {"": WRITER}, at)
    assert meter.joules("writer", 1.0) is None


SECOND = st.tuples(
    st.sampled_from([0.2, 1.0, 1.0, 1.0, 4.0]),
    st.floats(0, 700) | st.sampled_from(["reset", "stale", "late", "untold"]),
    st.frozensets(st.sampled_from(["writer", "voice", "ear"])),
)
"""How long after the one before, what the card spent meanwhile or what is wrong with its answer, who was at work."""


@given(st.lists(SECOND, max_size=40))
def test_nobody_is_given_energy_that_was_not_spent_and_no_counter_goes_back(
    seconds: list[tuple[float, float | str, frozenset[str]]],
) -> None:
    exact, guessing = EnergyMeter(), EnergyMeter()
    at = counter = spent = 0.0
    last = gpu(0.0, 0.0)
    before = dict.fromkeys(("writer", "voice", "ear"), 0.0)
    for pause, said, engines in seconds:
        at += pause
        if not isinstance(said, str):
            counter, spent = counter + said, spent + said
            last = gpu(counter, at)
        elif said == "reset":
            counter, last = 0.0, gpu(0.0, at)
        elif said == "untold":
            last = gpu(None, at)
        reading = replace(last, stale=said == "stale")
        exact.read((replace(reading, power_watts=None),), {A: engines}, at)
        guessing.read((reading,), {A: engines}, at)
        assert sum(exact.joules(engine, at) or 0.0 for engine in before) <= spent * (1 + 1e-9)
        for engine, was in before.items():
            now = guessing.joules(engine, at + 0.7)
            if now is not None:
                assert was <= now <= (exact.joules(engine, at) or 0.0) + max(was, 100 * GAP_SECONDS)
                before[engine] = now
