"""What a GPU's size suggests."""

from __future__ import annotations

import pytest
from memory_box import gib

from supervisor.memory.tiers import Tier, tier_of

SMALL, FOUR, EIGHT, LARGE = Tier("q4", 1, 60.0), Tier("q4", 2, 300.0), Tier("q8", 3, 600.0), Tier("q16", 5, 0.0)


@pytest.mark.parametrize(
    ("total", "tier"),
    [
        (0.5, SMALL),
        (1.95, SMALL),  # MX150
        (2.0, SMALL),
        (2.8, FOUR),
        (3.82, FOUR),  # GTX 1650
        (4.0, FOUR),
        (5.65, EIGHT),  # RTX 2060, 6 GB
        (7.6, EIGHT),
        (8.0, EIGHT),
        (8.2, EIGHT),
        (9.65, LARGE),  # RTX 3080, 10 GB
        (11.0, LARGE),
        (23.7, LARGE),
        (79.6, LARGE),
    ],
)
def test_a_tier_goes_by_the_size_a_card_is_sold_as(total: float, tier: Tier) -> None:
    assert tier_of(gib(total)) == tier
