"""Two engines that keep taking each other's place."""

from __future__ import annotations

import pytest

from supervisor.memory.thrash import Swap, Swaps, Thrash


def swaps(*all_of_them: tuple[float, str, str, float]) -> Swaps:
    noted = Swaps()
    for at, out, into, lost in all_of_them:
        noted = noted.noted(Swap(at, out, into, lost))
    return noted


def back_and_forth(count: int, every: float = 40, lost: float = 38) -> Swaps:
    pair = ("voice", "writer")
    return swaps(*((n * every, pair[n % 2], pair[1 - n % 2], lost) for n in range(count)))


def test_six_swaps_of_a_pair_within_ten_minutes() -> None:
    assert back_and_forth(5).alarm(200) is None
    assert back_and_forth(6).alarm(200) == Thrash("voice", "writer", 6, 6 * 38)
    assert Swaps().alarm(0) is None


def test_old_swaps_are_forgotten() -> None:
    six = back_and_forth(6, every=100)
    assert six.alarm(599) is not None
    assert six.alarm(600) is None
    assert back_and_forth(60, every=150).alarm(59 * 150) is None
    assert len(back_and_forth(60, every=150).window) == 4


def test_other_pairs_do_not_add_up() -> None:
    others = [(float(n), "voice", f"e{n}", 10.0) for n in range(20)]
    assert swaps(*others).alarm(20) is None
    worst = swaps(*others, *((float(20 + n), "e1", "e0", 1.0) for n in range(7)))
    assert worst.alarm(30) == Thrash("e0", "e1", 7, 7.0)


@pytest.mark.parametrize(
    ("thrash", "text"),
    [
        (Thrash("writer", "voice", 14, 540.0), "writer and voice swapped 14 times in 10 min, 9 min lost"),
        (Thrash("writer", "voice", 6, 60.0), "writer and voice swapped 6 times in 10 min, 1 min lost"),
        (Thrash("writer", "voice", 6, 42.4), "writer and voice swapped 6 times in 10 min, 42 s lost"),
    ],
)
def test_the_sentence(thrash: Thrash, text: str) -> None:
    assert thrash.text() == text
