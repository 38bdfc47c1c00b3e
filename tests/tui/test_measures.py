"""Numbers with units; unknown is a dash; an estimate wears a tilde."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import measures


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (measures.size(None), "—"),
        (measures.size(0), "0 B"),
        (measures.size(int(2.14 * measures.GIB)), "2.1 G"),
        (measures.size(512 * measures.MIB), "512 M"),
        (measures.size(4 * measures.KIB), "4.0 K"),
        (measures.size(-3 * measures.GIB), "-3.0 G"),
        (measures.idle(0.5), "0.5 s"),
        (measures.idle(90), "90 s"),
        (measures.idle(60), "1 m"),
        (measures.idle(150), "~3 m"),
        (measures.idle(600), "10 m"),
        (measures.idle(7200), "2 h"),
        (measures.idle(604800), "7 d"),
        (measures.rate(None), "—"),
        (measures.rate(212.4), "212 tok/s"),
        (measures.rate(9.42), "9.4 tok/s"),
        (measures.rate(0.0), "0.0 tok/s"),
        (measures.latency(None), "—"),
        (measures.latency(0.18), "180 ms"),
        (measures.latency(2.44), "2.4 s"),
        (measures.span(15153), "04:12:33"),
        (measures.span(3 * 86400 + 15153), "3 d 04:12"),
        (measures.span(-5), "00:00:00"),
        (measures.left(None), " —        "),
        (measures.left(0.2), "~1 s      "),
        (measures.left(42), "~42 s     "),
        (measures.left(42, 20.0), "~42 s     "),
        (measures.left(42, 400.0), " 00:01 ±7 "),
        (measures.left(720), "~00:12    "),
        (measures.left(6420, 540.0), " 01:47 ±9 "),
        (measures.left(1080, 12.0), " 00:18 ±1 "),
        (measures.left(6420, 5400.0), " 01:47 ±90"),
        (measures.left(90_000, 18_000.0), " 25:00 ±5h"),
        (measures.left(90_000, 4e6), " 25:00 ±9d"),
        (measures.left(500_000), "~5d18h    "),
        (measures.left(5_000_000, 90_000.0), " 57 d  ±1d"),
        (measures.energy(None), "—"),
        (measures.energy(1.94), "1.9 J"),
        (measures.energy(412), "412 J"),
        (measures.energy(12_400), "12.4 kJ"),
        (measures.energy(3.6e6), "3.6 MJ"),
        (measures.short(9900), "9900"),
        (measures.short(12_388), "12k"),
        (measures.short(999_600), "1.0M"),
        (measures.short(23_000_000), "23M"),
        (measures.rate(0.042, "units/s"), "0.04 units/s"),
        (measures.percent(None), "—"),
        (measures.percent(0.62), "62 %"),
        (measures.percent(0.999), "99 %"),
        (measures.percent(1.0), "100 %"),
        (measures.count(None), "—"),
        (measures.count(9900), "9,900"),
        (measures.plural(1, "job"), "1 job"),
        (measures.plural(2, "job"), "2 jobs"),
    ],
)
def test_shown(shown: str, wanted: str) -> None:
    assert shown == wanted


@given(st.floats(0, 3e7), st.none() | st.floats(0, 3e7))
def test_what_is_left_is_always_as_wide(seconds: float, spread: float | None) -> None:
    told = measures.left(seconds, spread)
    assert len(told) == 10
    assert ("~" in told) != ("±" in told)


def test_a_moment_is_a_time_of_day_or_another_day() -> None:
    assert measures.moment(1_790_000_000.0, 1_790_000_050.0) == measures.clock(1_790_000_000.0)
    assert measures.moment(1_790_000_000.0, 1_790_000_000.0 + 3 * 86400).endswith(" Sep")


def test_a_sparkline_has_gaps_and_its_own_scale() -> None:
    assert measures.sparkline([0.0, None, 5.0, 10.0], 6) == "  ▁ ▄▇"
    assert measures.sparkline([], 3) == "   "
    assert measures.sparkline([0.0, 0.0], 2) == "▁▁"
    assert measures.sparkline([50.0], 1, top=100.0) == "▄"
