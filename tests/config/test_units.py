"""Amounts as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.units import BadUnit, amount, duration, seconds
from ipc.snapshot import Scalar


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("90s", "seconds", 90.0),
        ("5m", "seconds", 300.0),
        ("5 min", "seconds", 300.0),
        ("1h 30m", "seconds", 5400.0),
        ("1h30m", "seconds", 5400.0),
        ("2d", "seconds", 172800.0),
        ("250ms", "seconds", 0.25),
        ("1.5h", "seconds", 5400.0),
        ("4 GiB", "bytes", 4 * 2**30),
        ("4gib", "bytes", 4 * 2**30),
        ("500 MB", "bytes", 500_000_000),
        ("64kB", "bytes", 64_000),
        ("12", "seconds", "12"),
        ("-1", "seconds", "-1"),
        (7, "seconds", 7),
        (True, "seconds", True),
        ("5m", "tokens", "5m"),
        ("5m", "", "5m"),
    ],
)
def test_amount(text: Scalar, unit: str, expected: Scalar) -> None:
    assert amount(text, unit) == expected
    assert type(amount(text, unit)) is type(expected)


@pytest.mark.parametrize(
    ("text", "unit", "why"),
    [
        ("5 potatoes", "seconds", "'potatoes' is no unit of time"),
        ("5M", "seconds", "'M' is no unit of time"),
        ("soon", "seconds", "that is no time"),
        ("", "seconds", "that is no time"),
        ("5m and more", "seconds", "that is no time"),
        ("-5m", "seconds", "that is no time"),
        ("4 GiBs", "bytes", "'gibs' is no unit of size"),
    ],
)
def test_what_is_no_amount(text: str, unit: str, why: str) -> None:
    with pytest.raises(BadUnit) as caught:
        amount(text, unit)
    assert caught.value.why == why
    assert caught.value.write


def test_a_duration_of_plain_digits_is_seconds() -> None:
    assert seconds("90") == 90.0
    assert seconds("10m") == 600.0


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        value = amount(text, "seconds")
    except BadUnit:
        return
    assert float(str(value)) >= 0 or str(value).strip().startswith("-")


@pytest.mark.parametrize(
    ("amount_seconds", "text"),
    [
        (0.0, "0 s"),
        (0.25, "250 ms"),
        (2.53, "2.5 s"),
        (30.0, "30 s"),
        (723.2, "12 min 3 s"),
        (3600.0, "1 h"),
        (5400.0, "1 h 30 min"),
        (59.99, "60 s"),
        (90061.0, "25 h 1 min 1 s"),
    ],
)
def test_a_duration_in_words(amount_seconds: float, text: str) -> None:
    assert duration(amount_seconds) == text
