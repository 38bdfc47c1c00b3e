"""Rows that leave are made up for by the last ones."""

from __future__ import annotations

import itertools

import pytest

from engines.tts.decode.rows import moves, next_power_of_two


def test_whoever_leaves_those_who_stay_lie_at_the_front_each_once() -> None:
    for count in range(7):
        for size in range(count + 1):
            for leaving in itertools.combinations(range(count), size):
                rows = list(range(count))
                for source, target in moves(count, leaving):
                    rows[target] = rows[source]
                assert sorted(rows[: count - size]) == [row for row in range(count) if row not in leaving]


def test_rows_that_lie_well_are_left_where_they_are() -> None:
    assert moves(6, {1, 4, 5}) == ((3, 1),)
    assert moves(4, {3}) == ()


@pytest.mark.parametrize(("count", "power"), [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (16, 16), (17, 32)])
def test_shapes_are_powers_of_two(count: int, power: int) -> None:
    assert next_power_of_two(count) == power
