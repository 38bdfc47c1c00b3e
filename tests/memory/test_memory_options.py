"""Which of several ways to load is taken."""

from __future__ import annotations

import pytest
from memory_box import ask, gpu, host, resident

from engines.appraisal import Appraisal, Level, Option
from supervisor.memory.fleet import GpuRoom, Resident
from supervisor.memory.options import Chosen, choose
from supervisor.memory.placement import Refusal
from supervisor.memory.victims import Plan, Wait, make_room


def option(words: str, size: float, level: Level | None = None) -> Option:
    return Option({}, words, "model", "Miniature", None, level, ask(size).need)


Q16, Q8, Q4 = option("q16", 14, "q16"), option("q8", 7.5, "q8"), option("q4", 4.1, "q4")
RUNGS = (option("parallel 4", 3.5), option("parallel 2", 3), option("parallel 2, on the CPU", 0))
BUSY = resident("tts", {"GPU-0": 5}, busy=True)


def pick(
    gpus: list[GpuRoom],
    *residents: Resident,
    options: tuple[Option, ...] = (Q16, Q8, Q4),
    rungs: tuple[Option, ...] = RUNGS,
    step: bool = False,
    only_more_at_once: bool = False,
) -> Chosen | Wait | Refusal:
    def verdict(one: Option) -> Plan | Wait | Refusal:
        on_gpu = len(one.need.layers) if one.need.layers[0] else 0
        asked = ask(one.need.layers[0] / 2**30, level=one.level, on_gpu=on_gpu)
        return make_room(asked, gpus, host(), residents)

    return choose(Appraisal(options, rungs, "", 1, "", "", only_more_at_once), verdict, step=step)


def chosen(answer: Chosen | Wait | Refusal) -> tuple[str, list[str]]:
    assert isinstance(answer, Chosen), answer
    return answer.option.words, [rung.words for rung in answer.left]


@pytest.mark.parametrize(("total", "words"), [(24, "q16"), (12, "q8"), (8, "q8"), (6, "q4")])
def test_the_first_that_fits(total: float, words: str) -> None:
    """Seven billion weights at 8 bits are too many for 6 GB, at 4 bits they fit."""
    assert chosen(pick([gpu(0, total - 0.3, total)])) == (words, ["parallel 4", "parallel 2", "parallel 2, on the CPU"])


def test_a_better_way_is_worth_an_idle_engine() -> None:
    answer = pick([gpu(0, 5, 12)], resident("ear", {"GPU-0": 4}))
    assert isinstance(answer, Chosen)
    assert (answer.option.words, answer.plan.victims) == ("q8", ("ear",))


AT_ONCE = tuple(option(f"{count} together", 2 + count) for count in (8, 4, 2, 1))


@pytest.mark.parametrize(
    ("free", "words", "victims"),
    [(12, "8 together", ()), (5.5, "2 together", ()), (3.5, "1 together", ()), (2, "1 together", ("ear",))],
)
def test_nobody_leaves_for_more_at_once(free: float, words: str, victims: tuple[str, ...]) -> None:
    answer = pick([gpu(0, free, 12)], resident("ear", {"GPU-0": 9}), options=AT_ONCE, only_more_at_once=True)
    assert isinstance(answer, Chosen)
    assert (answer.option.words, answer.plan.victims) == (words, victims)


def test_a_wait_goes_before_the_ladder() -> None:
    answer = pick([gpu(0, 3.6, 12)], BUSY, step=True)
    assert isinstance(answer, Wait)
    assert "llm needs ~7.5 GiB" in answer.reason


def test_work_steps_down_where_no_option_can_ever_fit() -> None:
    assert chosen(pick([gpu(0, 3.2, 6)], step=True)) == ("parallel 2", ["parallel 2, on the CPU"])
    answer = pick([gpu(0, 0, 6)], resident("tts", {"GPU-0": 3.2}, busy=True), step=True, rungs=RUNGS[:2])
    assert isinstance(answer, Wait)
    assert "llm needs ~3.0 GiB" in answer.reason
    assert chosen(pick([gpu(0, 0, 6)], step=True)) == ("parallel 2, on the CPU", [])


@pytest.mark.parametrize(
    ("rung", "says"),
    [
        ("parallel 4", "It would fit with parallel 4."),
        ("q4", "It would fit as q4."),
        ("q4 (Q4_K_M)", "It would fit as q4 (Q4_K_M)."),
        ("on the CPU", "It would fit on the CPU."),
        ("parallel 2, on the CPU", "It would fit with parallel 2, on the CPU."),
    ],
)
def test_the_operator_is_told_what_would_fit(rung: str, says: str) -> None:
    answer = pick([gpu(0, 3.2, 6)], rungs=(option("n_ctx 4096", 3.5), option(rung, 3)))
    assert isinstance(answer, Refusal)
    assert answer.help.endswith(f" {says}")


def test_the_refusal_that_may_change_is_told() -> None:
    answer = pick([gpu(0, 1, 6)], rungs=())
    assert isinstance(answer, Refusal)
    assert answer.reason.startswith("GPU 0 has 1.0 GiB free, llm needs ~4.1 GiB.")
    assert not answer.impossible
    answer = pick([gpu(0, 1, 2)], rungs=(), step=True)
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.impossible) == ("GPU 0 takes up to q4 at its size of 2.0 GiB.", True)
