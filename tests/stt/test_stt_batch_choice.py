"""Which batch size is chosen, for machines on which more is cheaper, the same, or dearer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from engines.stt.decode.choice import Choice


def run(
    choice: Choice, seconds: Callable[[int], float], batches: int = 60, *, waiting: int = 99, most: int = 16
) -> int:
    """The size that is usual in the end, on a machine where a batch takes so long."""
    sizes: list[int] = []
    for _ in range(batches):
        sizes.append(choice.size(waiting, most))
        choice.learn(sizes[-1], seconds(sizes[-1]))
    return Counter(sizes[-20:]).most_common(1)[0][0]


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        (lambda n: 0.05 * n, 1),  # a CPU that computes one after the other
        (lambda n: 0.05 * n**1.1, 1),  # a miniature on a CPU
        (lambda n: 0.30 + 0.01 * n, 16),  # a GPU
        (lambda n: 0.10 + 0.02 * n if n <= 4 else 0.05 * n, 4),  # one that is full at 4
    ],
)
def test_the_size_that_is_quickest_for_each_window(seconds: Callable[[int], float], best: int) -> None:
    assert run(Choice(), seconds) == best


def test_no_more_than_wait_are_tried() -> None:
    choice = Choice()
    assert run(choice, lambda n: 0.3 + 0.01 * n, waiting=3) == 2
    assert all(choice.size(waiting, 16) <= waiting for waiting in range(1, 9))


def test_no_more_than_may_be() -> None:
    assert run(Choice(), lambda n: 0.3 + 0.01 * n, most=5) == 4
    assert run(Choice(), lambda n: 0.3 + 0.01 * n, most=1) == 1


def test_after_memory_ran_out_it_stays_below() -> None:
    choice = Choice()
    choice.too_many(8)
    assert run(choice, lambda n: 0.3 + 0.01 * n) == 4


def test_running_out_of_memory_later_with_more_forgets_nothing() -> None:
    choice = Choice()
    for windows in (8, 4, 8):  # of two streams, one began its eight before the other failed
        choice.too_many(windows)
    assert run(choice, lambda n: 0.3 + 0.01 * n) == 2


@pytest.mark.parametrize(("windows", "stays"), [(2, 1), (3, 2), (4, 2), (5, 4), (9, 8)])
def test_the_largest_size_below_is_left(windows: int, stays: int) -> None:
    choice = Choice()
    choice.too_many(windows)
    assert run(choice, lambda n: 0.3 + 0.01 * n) == stays


def test_no_more_windows_than_are_computed_within_some_seconds() -> None:
    choice = Choice()
    assert choice.within(16, 1.0) == 1, "nothing is known"
    choice.learn(1, 0.1)
    assert [choice.within(16, seconds) for seconds in (0.05, 0.3, 1.0)] == [1, 2, 8]
    choice.learn(2, 0.1)
    assert choice.within(16, 0.4) == 8
    assert choice.within(5, 9.0) == 4
    choice.learn(8, 3.0)
    assert choice.within(16, 1.0) == 4


def test_a_machine_that_changes_is_found_out() -> None:
    choice = Choice()
    assert run(choice, lambda n: 0.3 + 0.01 * n) == 16
    assert run(choice, lambda n: 0.05 * n**1.2, batches=1500) == 1


def test_what_finds_caches_cold_does_not_count() -> None:
    choice, seen = Choice(), Counter[int]()

    def seconds(size: int) -> float:
        seen[size] += 1
        return 9.0 if seen[size] == 1 else 0.3 + 0.01 * size

    assert run(choice, seconds) == 16
