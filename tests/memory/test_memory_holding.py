"""Whether the next flight fits."""

from __future__ import annotations

import pytest
from memory_box import gib

from supervisor.memory.holding import flight_hold


@pytest.mark.parametrize(
    ("measured", "claimed", "free", "why"),
    [
        (10, 12, 3, ""),
        (10, 12, 2, ""),
        (10, 13.1, 1.06, "the next flight takes up to 3.1 GiB more, and 1.0 GiB are free"),
        (10, 12, 0, "the next flight takes up to 2.0 GiB more, and 0 MiB are free"),
        (12, 12, 0, ""),
        (13, 12, 0, ""),
        (12, 12, -1, ""),
        (None, 12, 0, ""),
        (10, 12, None, ""),
    ],
)
def test_the_learned_peak_against_what_is_really_free(
    measured: float | None, claimed: float, free: float | None, why: str
) -> None:
    assert (
        flight_hold(None if measured is None else gib(measured), gib(claimed), None if free is None else gib(free))
        == why
    )
