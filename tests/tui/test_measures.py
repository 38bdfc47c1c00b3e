"""Numbers with units; unknown is a dash; an estimate wears a tilde."""

from __future__ import annotations

import pytest

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
        (measures.eta(None), "—"),
        (measures.eta(0.2), "~1 s"),
        (measures.eta(42), "~42 s"),
        (measures.eta(720), "~12 m"),
        (measures.eta(6420), "~1 h 47 m"),
        (measures.eta(86400 * 3), "~3 d 0 h"),
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


def test_a_sparkline_has_gaps_and_its_own_scale() -> None:
    assert measures.sparkline([0.0, None, 5.0, 10.0], 6) == "  ▁ ▄▇"
    assert measures.sparkline([], 3) == "   "
    assert measures.sparkline([0.0, 0.0], 2) == "▁▁"
    assert measures.sparkline([50.0], 1, top=100.0) == "▄"
