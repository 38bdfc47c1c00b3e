"""Which texts are computed together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.embed.batches import company, worth_waiting


@pytest.mark.parametrize(
    ("lengths", "first", "most", "spare", "together"),
    [
        ([5], 0, 8, 16, {0}),
        ([5, 5, 5], 0, 8, 16, {0, 1, 2}),
        ([5, 5, 5], 2, 2, 16, {1, 2}),
        ([5, 200, 6], 0, 8, 16, {0, 2}),
        ([200, 5, 190], 0, 8, 16, {0, 2}),
        ([5, 200], 1, 8, 16, {1}),
        ([5, 200, 6], 0, 8, 8192, {0, 1, 2}),
        ([10, 9, 8, 7, 6, 5], 0, 8, 0, {0, 1}),
    ],
)
def test_company_is_of_about_the_same_length(
    lengths: list[int], first: int, most: int, spare: int, together: set[int]
) -> None:
    assert set(company(lengths, first, most, spare)) == together


@given(
    lengths=st.lists(st.integers(2, 256), min_size=1, max_size=60),
    place=st.integers(0, 1000),
    most=st.integers(1, 40),
    spare=st.integers(0, 64),
)
def test_the_first_is_in_and_little_is_padded(lengths: list[int], place: int, most: int, spare: int) -> None:
    first = place % len(lengths)
    together = company(lengths, first, most, spare)
    chosen = [lengths[at] for at in together]
    assert first in together
    assert len(set(together)) == len(together) <= most
    assert max(chosen) * len(chosen) - sum(chosen) <= max(spare, sum(chosen) // 16)


@pytest.mark.parametrize(
    ("waiting", "aloft", "lately", "worth"),
    [(1, 1, 1, False), (1, 1, 2, True), (2, 2, 2, False), (5, 3, 64, True), (32, 3, 64, False)],
)
def test_company_is_waited_for_where_there_was_some(waiting: int, aloft: int, lately: int, worth: bool) -> None:
    assert worth_waiting(waiting=waiting, most=32, aloft=aloft, lately=lately) is worth
