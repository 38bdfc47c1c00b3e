"""Percentiles for tables."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of a hundred do not exceed, interpolated; NaN where there are none."""
    match sorted(values):
        case []:
            return float("nan")
        case [only]:
            return only
        case several:
            return statistics.quantiles(several, n=100, method="inclusive")[percent - 1]
