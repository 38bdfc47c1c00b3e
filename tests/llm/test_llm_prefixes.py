"""What is kept of computed prompts, and where sequences should lie: pure tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.llm.prefixes import WORTH_TOKENS, Prefix, Prefixes, common, usable
from engines.llm.ranks import moves

LONG = list(range(100))


def prefix(tokens: list[int], size: int = 10, *, cuts: bool = True, passing: bool = False) -> Prefix:
    return Prefix(tokens, bytearray(size), cuts, passing)


@given(st.lists(st.integers(0, 1), max_size=40), st.lists(st.integers(0, 1), max_size=40))
def test_what_two_prompts_begin_with(one: list[int], other: list[int]) -> None:
    expected = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    assert common(one, other) == expected


@pytest.mark.parametrize(
    ("held", "cuts", "count"),
    [
        ([1, 2, 3], True, 3),
        ([1, 2, 3], False, 3),
        ([1, 2, 9], True, 2),
        ([1, 2, 9], False, 0),
        ([1, 2, 3, 4], True, 3),  # the last one is computed for its scores
        ([1, 2, 3, 4], False, 0),
        ([1, 2, 3, 4, 5], True, 3),
        ([9], True, 0),
    ],
)
def test_how_much_a_cache_saves(held: list[int], cuts: bool, count: int) -> None:
    assert usable(held, [1, 2, 3, 4], cuts=cuts) == count


@pytest.mark.parametrize("cuts", [True, False])
def test_the_longest_beginning_is_found(cuts: bool) -> None:
    kept = Prefixes(1000)
    short, long = prefix(LONG[:40]), prefix(LONG[:60], cuts=cuts)
    assert kept.put(short)
    assert kept.put(long)
    assert kept.find(LONG) == (long, 60)
    assert kept.find([*LONG[:50], 7, 7]) == ((long, 50) if cuts else (short, 40))
    assert kept.find(LONG[: WORTH_TOKENS - 1]) == (None, 0)


def test_the_longest_unused_go_first() -> None:
    kept = Prefixes(30)
    for start in (0, 100, 200):
        kept.put(prefix([*range(start, start + 50)]))
    kept.find([*range(60)])
    kept.put(prefix([*range(300, 350)]))
    found = [kept.find([*range(start, start + 60)])[1] for start in (0, 100, 200, 300)]
    assert found == [50, 0, 50, 50]
    assert kept.bytes == 30


def test_what_is_larger_than_all_the_room_is_refused_and_remembered() -> None:
    kept = Prefixes(30)
    kept.put(prefix([*range(100, 150)]))
    assert kept.may_hold(LONG)
    assert not kept.put(prefix(LONG, 31))
    assert kept.bytes == 10
    assert not kept.may_hold(LONG)
    assert kept.may_hold(LONG[:99])
    kept.resize(40)
    assert kept.may_hold(LONG)
    assert kept.put(prefix(LONG, 31))
    kept.resize(0)
    assert kept.bytes == 0
    assert not kept.may_hold([1])


def test_a_turn_takes_the_place_of_the_turn_before_and_of_no_system_message() -> None:
    kept = Prefixes(1000)
    kept.put(prefix(LONG[:40]))
    kept.put(prefix(LONG[:60], passing=True))
    kept.put(prefix(LONG[:80], passing=True))
    assert kept.bytes == 20


@pytest.mark.parametrize(
    ("running", "free", "expected"),
    [
        ([], [0, 1], []),
        ([0, 1, 2], [3], []),
        ([2, 3], [0, 1], []),
        ([0, 2], [1, 3], [(2, 1)]),
        ([0, 3], [1, 2], [(3, 1)]),
        ([0, 14, 15], [*range(1, 14)], [(0, 13)]),
        ([0, 2], [], []),  # somebody who stands still lies between
        ([0, 2, 4, 6], [1, 3, 5, 7], [(6, 3), (4, 1)]),
    ],
)
def test_who_moves_where(running: list[int], free: list[int], expected: list[tuple[int, int]]) -> None:
    done = moves(running, free)
    assert len(done) == len(expected)
    after = sorted({*running} - {old for old, _ in done} | {new for _, new in done})
    assert not expected or after == list(range(after[0], after[0] + len(running)))
    assert all(new in free for _, new in done)
