"""The kept vectors: which one makes room, how exact they are, and their file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
from embed_kit import EXPECTED, TEXTS, Counted, cosines, texts
from flying_kit import Sky
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.embed import cachefile, loaded
from engines.embed.cache import EXACT, SAMPLE, VectorCache, key_of
from engines.embed.estimate import kept_bytes
from engines.embed.settings import EmbedSettings

pytest_plugins = ["embed_fixtures"]
GIB = 2**30


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def vector(number: int, dimensions: int = 4) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(dimensions, number, np.float32)


def cache_of(most: int, clock: Callable[[], float]) -> VectorCache:
    cache = VectorCache(4, clock, Random(7))
    cache.limit(most, GIB)
    return cache


def put(cache: VectorCache, name: str, *, uses: int = 1) -> None:
    cache.put(key_of(name), vector(len(name)), 3, uses=uses)


def kept(cache: VectorCache, names: str) -> str:
    """Those of these names that are there."""
    there = set(cache.keys())
    return "".join(name for name in names if key_of(name) in there)


@pytest.mark.parametrize(
    ("last_used", "uses", "goes"),
    [
        ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 1, "c": 1}, "a"),
        ({"a": 1, "b": 2, "c": 3}, {"a": 9, "b": 1, "c": 1}, "b"),
        ({"a": 1, "b": 2, "c": 9}, {"a": 3, "b": 3, "c": 1}, "a"),
        ({"a": 5, "b": 5, "c": 5}, {"a": 2, "b": 1, "c": 3}, "b"),
        ({"a": 1, "b": 8, "c": 9}, {"a": 1, "b": 0, "c": 0}, "b"),
        ({"a": 1, "b": 9, "c": 8}, {"a": 1, "b": 0, "c": 0}, "c"),
    ],
)
def test_the_text_with_the_fewest_uses_for_its_age_goes(
    last_used: dict[str, int], uses: dict[str, int], goes: str
) -> None:
    clock = Clock()
    cache = cache_of(3, clock)
    for name, at in sorted(last_used.items(), key=lambda item: item[1]):
        clock.now = 1000.0 + at
        put(cache, name, uses=uses[name])
    clock.now = 1010.0
    put(cache, "d")
    assert kept(cache, "abcd") == "abcd".replace(goes, "")


def test_a_found_text_counts_as_used() -> None:
    clock = Clock()
    cache = cache_of(2, clock)
    put(cache, "a")
    clock.now += 1
    put(cache, "b")
    clock.now += 1
    assert cache.find([key_of("a"), key_of("x"), key_of("a")])[1] == -1
    assert (cache.hits, cache.asked) == (2, 3)
    clock.now += 1
    put(cache, "c")
    assert kept(cache, "abc") == "ac"


def test_a_long_source_whose_texts_come_once_pushes_out_little_but_itself() -> None:
    clock = Clock()
    cache = cache_of(100, clock)
    for number in range(90):
        put(cache, f"asked by people {number}")
    for number in range(5000):
        clock.now += 0.01
        put(cache, f"text of a job {number}", uses=0)
    there = set(cache.keys())
    assert all(key_of(f"asked by people {number}") in there for number in range(90))


@given(
    most=st.integers(1, 12),
    steps=st.lists(st.tuples(st.integers(0, 20), st.floats(0.001, 100), st.booleans()), max_size=80),
)
@settings(max_examples=150, deadline=None)
def test_it_keeps_what_a_plain_table_would_keep(most: int, steps: list[tuple[int, float, bool]]) -> None:
    clock = Clock()
    cache = cache_of(most, clock)
    plain: dict[int, tuple[float, float]] = {}
    for number, pause, asked in steps:
        clock.now += pause
        key = key_of(str(number))
        (slot,) = cache.find([key]) if asked else [-1]
        assert (slot >= 0) == (asked and number in plain)
        if slot >= 0:
            assert cache.take([slot])[0, 0] == number
            plain[number] = (plain[number][0] + 1, clock.now)
            continue
        if number not in plain and len(plain) == most:
            del plain[min(plain, key=lambda one: (plain[one][0] + 1e-6) / max(clock.now - plain[one][1], 1e-6))]
        plain[number] = (float(asked), clock.now)
        cache.put(key, vector(number), 1, uses=int(asked))
    assert set(cache.keys()) == {key_of(str(number)) for number in plain}


def test_of_many_texts_the_victim_is_among_the_least_worth() -> None:
    clock = Clock()
    count = 50 * EXACT
    cache = cache_of(count, clock)
    for number in range(count):
        clock.now = 1000.0 + number
        cache.put(number.to_bytes(16, "big"), vector(number), 1, uses=1)
    clock.now += 1
    victims = [cache.victim() for _ in range(200)]
    assert np.median(victims) < 2 * count / SAMPLE
    assert max(victims) < count / 4


def test_a_lower_limit_lets_the_least_worth_go_at_once_and_bytes_limit_too() -> None:
    clock = Clock()
    cache = cache_of(10, clock)
    for name in "abcdefghij":
        put(cache, name)
        clock.now += 1
    cache.limit(4, GIB)
    assert kept(cache, "abcdefghij") == "ghij"
    cache.limit(10, 2 * kept_bytes(4) + 1)
    assert kept(cache, "ghij") == "ij"
    assert cache.take(cache.find([key_of("j")]))[0, 0] == 1
    cache.limit(0, GIB)
    put(cache, "a")
    assert len(cache) == 0


def test_memory_of_a_text_is_what_was_promised() -> None:
    import tracemalloc

    count = 20_000
    cache = VectorCache(384, lambda: 0.0, Random(1))
    cache.limit(count, GIB)
    tracemalloc.start()
    for number in range(count):
        cache.put(key_of(str(number)), vector(number, 384), 1, uses=1)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.8 * kept_bytes(384) < taken / count < 1.05 * kept_bytes(384)


def test_a_kept_vector_is_off_by_less_than_a_thousandth() -> None:
    cache = VectorCache(384, lambda: 0.0, Random(1))
    cache.limit(100, GIB)
    for text, one in zip(TEXTS, EXPECTED, strict=True):
        cache.put(key_of(text), one, 3, uses=1)
    back = cache.take(cache.find([key_of(text) for text in TEXTS]))
    assert cosines(back, EXPECTED).min() > 1 - 1e-6
    assert np.abs(back - EXPECTED).max() < 1e-3


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_brings_everything_back(tmp_path: Path) -> None:
    clock = Clock()
    cache = cache_of(9, clock)
    for name in "abcd":
        put(cache, name)
        clock.now += 10
    cache.put(key_of("long"), vector(7), -256, uses=3)
    cachefile.write(tmp_path / "v", "model 1", cache)
    back = cache_of(9, Clock())
    assert cachefile.read(tmp_path / "v", "model 1", back) == ""
    assert set(back.keys()) == set(cache.keys())
    (slot,) = back.find([key_of("long")])
    assert (back.tokens(slot), list(back.take([slot])[0])) == (-256, [7.0] * 4)
    assert sorted(back.kept()[3][:5]) == sorted(cache.kept()[3])


def test_a_smaller_cache_takes_over_what_is_worth_most(tmp_path: Path) -> None:
    clock = Clock()
    cache = cache_of(9, clock)
    for name in "abcd":
        put(cache, name, uses=5 if name == "a" else 1)
        clock.now += 10
    cachefile.write(tmp_path / "v", "model", cache)
    back = cache_of(2, Clock())
    cachefile.read(tmp_path / "v", "model", back)
    assert kept(back, "abcd") == "ad"


@pytest.mark.parametrize("at", [0, 40, 90, -1])
def test_a_damaged_file_is_not_used_and_says_so(tmp_path: Path, at: int) -> None:
    cache, path = cache_of(9, Clock()), tmp_path / "v"
    put(cache, "a")
    cachefile.write(path, "model", cache)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    back = cache_of(9, Clock())
    assert cachefile.read(path, "model", back) == f"{path} is damaged"
    path.write_bytes(content[: len(content) // 2])
    assert cachefile.read(path, "model", back) == f"{path} is damaged"
    assert len(back) == 0


def test_vectors_of_another_model_are_not_used(tmp_path: Path) -> None:
    cache = cache_of(9, Clock())
    put(cache, "a")
    cachefile.write(tmp_path / "v", "model", cache)
    back = cache_of(9, Clock())
    assert cachefile.read(tmp_path / "v", "another", back) == ""
    assert cachefile.read(tmp_path / "none", "model", back) == ""
    assert len(back) == 0


def test_kept_vectors_survive_a_restart_if_told_to(data: Path) -> None:
    before = Counted(cache_keep=True)
    before.ask(texts(*TEXTS))
    before.close()
    after = Counted(cache_keep=True)
    asked = texts(*TEXTS)
    after.ask(asked)
    assert after.runs == []
    assert cosines(asked.vectors(), EXPECTED).min() > 0.999
    after.retune(EmbedSettings(threads=1, cache_keep=True, max_tokens=16))
    after.ask(texts(*TEXTS))
    assert after.runs, "a text that is cut elsewhere has another vector"
    after.close()
    forgetful = Counted()
    forgetful.ask(texts("hello"))
    assert len(forgetful.runs) == 1


def test_a_damaged_file_starts_an_engine_with_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Counted(cache_keep=True)
    before.ask(texts("hello"))
    before.close()
    (file,) = (data / "vectors").iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    after = Counted(cache_keep=True)
    assert "kept vectors are not used" in capsys.readouterr().err
    after.ask(texts("hello"))
    assert len(after.runs) == 1
    after.close()
    again = Counted(cache_keep=True)
    again.ask(texts("hello"))
    assert again.runs == []


def test_a_folder_that_cannot_be_written_is_said_and_hurts_nobody(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "vectors").write_text("a file is in the way")
    engine = Counted(cache_keep=True)
    asked = texts("hello")
    engine.ask(asked)
    engine.close()
    assert asked.results
    assert "vectors are not kept" in capsys.readouterr().err


def test_requests_that_always_overlap_are_told_of_and_kept_meanwhile(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Counted(cache_keep=True, wait_ms=0, batch_size=1)
    now = time.monotonic()
    monkeypatch.setattr(loaded, "time", SimpleNamespace(monotonic=lambda: now, sleep=time.sleep))
    said: list[str] = []
    kept: list[int] = []

    def then(sky: Sky) -> None:
        nonlocal now
        if len(engine.runs) == len(said):
            now += 0.25
        elif len(engine.runs) < 9:
            said.append(engine.heard.words)
            kept.append(len(list((data / "vectors").glob("*.vectors"))))
            now += 0.25 if len(said) < 7 else 70
            sky.waiting.append(texts(f"number {len(said) + 1} of many"))

    sky = engine.ask(texts("number 0 of many"), texts("number 1 of many"), then=then)
    assert len(sky.landed) == len(said) + 2, "one was always under way"
    assert len(set(said)) == 3, f"at most once a second: {said}"
    assert kept == [0] * 7 + [1]
