"""Everything is killed, stopped and changed at random while jobs run, and every promise is kept; `bench.chaos` counts.

The long form of the same program is run by hand: see docs/reliability.md.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.chaos.plan import plan
from bench.chaos.run import chaos
from bench.chaos.scale import Scale
from bench.chaos.source import Source, answer, sources
from bench.chaos.table import lines
from bench.chaos.verdict import Verdict, judge
from engines.fake.unit import Request

SHORT = Scale(seed=7, engine_kills=14, stops=3, supervisor_kills=3, units=250)


@pytest.mark.timeout(240)
def test_no_promise_is_broken_while_everything_is_killed_at_random() -> None:
    folder = Path(tempfile.mkdtemp(prefix="er-chaos-"))  # short enough for a socket
    report = chaos(SHORT, folder)
    table = "\n".join(lines(report))
    assert report.broken == [], f"{table}\nthe evidence is in {folder}"
    counts = report.diary.counts
    for act in ("kill engine", "stop engine", "kill desk", "kill supervisor", "kill keeper", "client storm"):
        assert counts[act] == report.asked[act] > 0, table
    assert report.found["units"] == SHORT.units
    assert report.found["set aside"] == report.found["poison"] + report.found["companions"] > 0
    assert report.found["done"] == SHORT.units - report.found["set aside"]
    assert report.found["compared"] > 0, "no output was compared with an undisturbed run"
    shutil.rmtree(folder)


def test_a_plan_follows_from_its_seed_and_does_what_was_asked() -> None:
    scale = Scale(seed=3, engine_kills=1000, stops=200, supervisor_kills=100, units=20_000)
    assert plan(scale) == plan(scale) != plan(replace(scale, seed=4))
    asked = Counter(step.act for step in plan(scale))
    assert asked["kill engine"] == 1000
    assert asked["stop engine"] + asked["stop desk"] == 200
    assert asked["kill supervisor"] + 2 * asked["kill supervisor as it starts"] == 100
    assert sum(len(source.units) for source in sources(scale)) == 20_000


# ── what the checks find: a run that broke a promise must not pass ──────────────────────────────────────────

UNITS = tuple(Request(f"prompt {name}", name, "crash" if name == "c" else None) for name in "abcde")
SOURCE = Source("work", "fake", "", UNITS)


def output(*names: str, **answers: str) -> bytes:
    """Lines as the fake kind writes them."""
    told = {str(unit.id): answer(unit) for unit in UNITS} | answers
    return "".join(json.dumps({"id": name, "answer": told.get(name, "")}) + "\n" for name in names).encode()


GOOD = output("a", "b", "d", "e")


@pytest.mark.parametrize(
    ("written", "aside", "expected"),
    [
        (GOOD, ["c"], Verdict()),
        (output("a", "b", "e"), ["c"], Verdict(lost=("d",))),
        (GOOD, [], Verdict(lost=("c",), spared=("c",))),
        (output("a", "b", "b", "d", "e"), ["c"], Verdict(twice=("b",))),
        (GOOD, ["c", "d"], Verdict(twice=("d",), innocent=("d",))),
        (output("a", "b", "e"), ["c", "d"], Verdict(innocent=("d",))),
        (output("a", "d", "b", "e"), ["c"], Verdict(disordered=("d",))),
        (output("a", "b", "d", "e", d="oil"), ["c"], Verdict(wrong=("d",))),
        (output("a", "b", "d", "e", "x"), ["c"], Verdict(wrong=("x",))),
    ],
)
def test_the_checks_name_the_unit_and_what_was_not_kept(written: bytes, aside: list[str], expected: Verdict) -> None:
    verdict = judge(SOURCE, written, [(name,) for name in aside], None)
    assert verdict == expected
    assert verdict.kept() == (expected == Verdict())


def test_lines_that_share_a_unit_with_poison_share_its_fate_and_others_do_not() -> None:
    assert SOURCE.ids_at("work.jsonl lines 2–3") == ("b", "c")
    assert SOURCE.ids_at("work.jsonl line 5") == ("e",)
    assert judge(SOURCE, output("a", "d", "e"), [("b", "c")], None).kept()
    assert judge(SOURCE, output("a", "b"), [("c",), ("d", "e")], None).innocent == ("d", "e")


def test_an_output_that_differs_from_the_undisturbed_one_by_a_byte_is_told() -> None:
    assert judge(SOURCE, GOOD, [("c",)], GOOD).kept()
    assert judge(SOURCE, output("a", "b", "d", "e", b="oil"), [("c",)], GOOD).wrong == ("b",)
    assert judge(SOURCE, GOOD, [("c",)], GOOD + b"\n").wrong
