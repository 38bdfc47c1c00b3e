"""Who may fly what: pure decisions about pools, and what is told and counted of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import NoReturn

import pytest
from msgspec.structs import replace

from config.pools import Pool, parse_route
from supervisor.jobs.choices import ONE_BY_ONE, TOGETHER, Choices
from supervisor.jobs.floor import EngineView
from supervisor.jobs.hits import Hits
from supervisor.jobs.job import Facts, Flight, Formation, Job, Spec, Unit
from supervisor.jobs.routes import (
    MOST_WAITING,
    STOCK,
    Pools,
    answering,
    awaited,
    crews,
    lanes,
    serves,
    serving,
    stock,
    suits,
)
from supervisor.jobs.schedule import COMPANY_INPUTS, choose, fits

KINDS = dict.fromkeys(("small", "other", "medium", "large", "french"), "fake")
ROUTE = parse_route("small other < 30s < medium < 10m < large", KINDS)
FRENCH = parse_route("small < 20s < french", KINDS)
EARS = Pool("ears", "fake", ROUTE, {"fr": FRENCH})
UP = EngineView("small", 2, False, True, True, "")
ENGINES = tuple(replace(UP, name=name) for name in ("large", "medium", "other", "small", "french"))
BY_NAME = {engine.name: engine for engine in ENGINES}
STOPPED: dict[str, object] = {"free": False, "available": False}
HELD: dict[str, object] = {"free": False, "hold": "memory: no room"}
COLD: dict[str, object] = {"free": False}
SPEC = Spec(1, "box-1", "fake", ("/in",), "/out", ("/out",), "", {}, 0.0)


def unit(index: int, extent: float | None, *, alone: bool = False) -> Unit:
    return Unit(index, "x", f"line {index}", None, alone=alone, extent=extent)


def job(*extents: float | None, engine: str = "ears", spec: Spec = SPEC) -> Job:
    made = Job(spec, Facts(engine=engine, planned=len(extents), all_planned=True))
    Pools([EARS]).lay(made, ENGINES)
    made.put_back(unit(index, extent) for index, extent in enumerate(extents))
    return made


def chosen(of: Job, engine: str, **changes: object) -> list[int]:
    view = replace(BY_NAME[engine], **changes)
    choice = choose(of, view, view.places, careful=False, shaken=False)
    return [] if choice is None else [unit.index for unit in choice.units]


def test_each_engine_gets_what_its_stage_takes() -> None:
    mixed = job(5.0, 700.0, 40.0, None, 7.0, 8.0)
    assert {name: chosen(mixed, name) for name in BY_NAME} == {
        "small": [0, 4],
        "other": [0, 4],
        "medium": [2],
        "large": [1, 3],
        "french": [],
    }
    assert [engine.name for engine in serving(mixed, ENGINES)] == ["small", "other", "medium", "large"]
    assert not serves(BY_NAME["french"], mixed)


def test_a_job_of_no_pool_flies_as_ever() -> None:
    one = job(5.0, 700.0, engine="large")
    assert one.route is None
    assert chosen(one, "large") == [0, 1]
    assert serving(one, ENGINES) == (BY_NAME["large"],)
    assert suits(BY_NAME["large"], one, one.free.values())
    assert crews(one, [UP]) == [((UP,), 1.0)]
    assert awaited(job(engine="large"), [UP]) == (UP,)


def test_a_job_that_names_nothing_goes_through_the_only_pool_of_its_kind() -> None:
    assert job(5.0, engine="").route is ROUTE
    unnamed = Job(SPEC, Facts())
    Pools([EARS, Pool("others", "fake", FRENCH)]).lay(unnamed, ENGINES)
    assert unnamed.route is None
    Pools([EARS, Pool("voices", "tts", FRENCH)]).lay(unnamed, ENGINES)
    assert unnamed.route is ROUTE


def test_a_pool_that_is_gone_or_does_other_work_leaves_nobody() -> None:
    left = job(5.0)
    for pools in ([], [Pool("ears", "tts", ROUTE)]):
        Pools(pools).lay(left, ENGINES)
        assert left.route is None
        assert serving(left, ENGINES) == ()


@pytest.mark.parametrize(
    ("own", "set_to", "route"),
    [({"language": "fr"}, "", FRENCH), ({}, "fr", FRENCH), ({"language": "auto"}, "fr", ROUTE), ({}, "de", ROUTE)],
)
def test_the_language_decides_the_route(own: dict[str, str], set_to: str, route: object) -> None:
    engines = [replace(engine, language=set_to if engine.name == "small" else "fr") for engine in ENGINES]
    spoken = Job(replace(SPEC, own=own), Facts(engine="ears"))
    Pools([EARS]).lay(spoken, engines)
    assert spoken.route is route


def test_what_waits_is_sorted_anew_when_the_route_changes_and_only_then() -> None:
    moved = job(5.0, 25.0, 40.0)
    before = moved.lanes
    Pools([EARS]).lay(moved, ENGINES)
    assert moved.lanes is before
    moved.follow(FRENCH)
    assert [sorted(lane) for lane in moved.lanes] == [[0], [1, 2]]
    assert moved.take(1) is not None
    assert moved.take(1) is None
    assert [sorted(lane) for lane in moved.lanes] == [[0], [2]]
    moved.follow(None)
    assert (moved.lanes, sorted(moved.free)) == ((), [0, 2])


def test_a_crew_for_each_stage_that_something_waits_for() -> None:
    mixed = job(5.0, 6.0, 7.0, 700.0)
    told = [([engine.name for engine in crew], share) for crew, share in crews(mixed, serving(mixed, ENGINES))]
    assert told == [(["small", "other"], 0.75), (["large"], 0.25)]
    assert [engine.name for engine in awaited(mixed, serving(mixed, ENGINES))] == ["small", "other", "large"]
    mixed.formations.append(Formation(1, (unit(9, 40.0),), crashes=0))
    assert [share for _, share in crews(mixed, ENGINES)] == [0.6, 0.2, 0.2]
    assert crews(job(), ENGINES) == []
    assert awaited(job(), ENGINES) == ENGINES


def test_companies_that_must_fly_again_form_within_a_stage_and_stay_there() -> None:
    mixed = job(5.0, 700.0, 6.0, 800.0, 7.0)
    mixed.facts = replace(mixed.facts, all_planned=False)
    strict = {"deterministic": True}
    assert (chosen(mixed, "small", **strict), chosen(mixed, "large", **strict)) == ([0, 2], [1, 3])
    company = Formation(1, (unit(7, 5.0), unit(8, 6.0)), crashes=0)
    small, large = (replace(BY_NAME[name], deterministic=True) for name in ("small", "large"))
    assert fits(mixed, company, small)
    assert not fits(mixed, company, large)
    mixed.formations.append(company)
    assert (chosen(mixed, "small", **strict), chosen(mixed, "large", **strict)) == ([7, 8], [1, 3])


def test_a_stage_that_is_not_planned_whole_yet_keeps_no_engine_from_its_other_stage() -> None:
    both = Job(SPEC, Facts(planned=3))
    both.follow(parse_route("small < 30s < medium < 10m < small", KINDS))
    both.put_back([unit(0, 5.0), unit(1, 700.0), unit(2, 800.0)])
    assert chosen(both, "small", deterministic=True) == [1, 2]
    assert chosen(both, "small") == [0]


def test_a_suspect_flies_alone_on_an_engine_of_its_stage() -> None:
    poisoned = job(5.0, 700.0)
    poisoned.put_back([unit(2, 700.0, alone=True)])
    assert (chosen(poisoned, "large"), chosen(poisoned, "small")) == ([2], [0])


class Untouchable(dict[int, Unit]):
    """Fails the test when anybody looks through it."""

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("a pass over all that waits")

    def values(self) -> NoReturn:
        raise AssertionError("a pass over all that waits")


def test_a_hundred_thousand_units_for_one_engine_cost_the_others_nothing() -> None:
    long = job()
    long.put_back(unit(index, 700.0) for index in range(100_000))
    long.free, long.lanes = Untouchable(long.free), (*long.lanes[:2], Untouchable(long.lanes[2]))
    assert chosen(long, "small") == []
    assert [*lanes(BY_NAME["medium"], long)] == []
    assert [[engine.name for engine in crew] for crew, _ in crews(long, ENGINES)] == [["large"]]
    Pools([EARS]).lay(long, ENGINES)
    long.put_back([unit(100_000, 5.0)])
    assert chosen(long, "small") == [100_000]
    assert stock(long, ENGINES) == 100_001, "so many fill the memory"


@pytest.mark.parametrize(
    ("extents", "changes", "expected"),
    [
        ((5.0,) * 40, {}, 40 // STOCK),
        ((*(5.0,) * 40, 40.0, None), {}, 42 // STOCK),  # fewer than the others do at once
        ((*(5.0,) * 40, 40.0, 40.0, None, None), {}, 44),
        ((*(5.0,) * 40, *(700.0,) * 400), {"large": COLD}, 440 // STOCK),  # it is woken for them
        ((*(5.0,) * 40, *(700.0,) * 400), {"large": STOPPED}, 40 // STOCK),
        ((*(5.0,) * 40, 40.0, 40.0, *(700.0,) * 400), {"large": STOPPED}, 42),
        ((*(5.0,) * 40, 40.0, 40.0, *(700.0,) * 400), {"large": HELD}, 42),
        ((5.0, *(40.0,) * 10), {"small": STOPPED}, 11 // STOCK),  # the other of its stage can do it
        ((5.0, *(40.0,) * 10), {"small": STOPPED, "other": STOPPED}, 10 // STOCK),
        ((5.0, *(40.0,) * 10), dict.fromkeys(BY_NAME, {"available": False}), 11),
        ((5.0, *(700.0,) * (MOST_WAITING - 1)), {"large": STOPPED}, MOST_WAITING),
    ],
)
def test_what_no_engine_can_do_just_now_does_not_count_as_read_ahead(
    extents: tuple[float | None, ...], changes: dict[str, dict[str, object]], expected: int
) -> None:
    engines = [replace(BY_NAME[name], **changes.get(name, {})) for name in BY_NAME]
    assert stock(job(*extents), engines) == expected


def test_a_job_of_no_pool_counts_all_that_waits() -> None:
    assert stock(job(*(5.0,) * 40, engine="small"), ENGINES) == 40
    assert stock(job(*(5.0,) * 40, engine="small"), ()) == 40


def test_a_company_waits_only_for_so_many_inputs() -> None:
    def planned(source: int, *sources: int) -> Job:
        one = Job(SPEC, Facts(source=source))
        one.follow(ROUTE)
        one.put_back(Unit(index, "x", "", None, source=of, extent=5.0) for index, of in enumerate(sources))
        return one

    strict = {"deterministic": True, "parallel": 3}
    assert chosen(planned(COMPANY_INPUTS, 0, 1), "small", **strict) == []
    assert chosen(planned(COMPANY_INPUTS + 1, 0, 1), "small", **strict) == [0, 1]
    assert chosen(planned(COMPANY_INPUTS, 0, 1, COMPANY_INPUTS), "small", **strict) == [0, 1, 2]
    assert chosen(planned(200, 0, 1, COMPANY_INPUTS + 1), "small", **strict) == [0, 1], "however much is planned by now"
    of_one_stage = planned(200, 0, 199)
    of_one_stage.follow(parse_route("small", KINDS))
    assert chosen(of_one_stage, "small", **strict) == []


# ── requests ──────────────────────────────────────────────────────────────────────────────────────────────────────

DOWN = replace(UP, free=False)


@pytest.mark.parametrize(
    ("changes", "answers"),
    [
        ({}, "small"),
        ({"large": {"free": True, "loaded": True}}, "large"),
        ({"large": {"free": True, "loaded": True}, "other": {"free": True, "loaded": True}}, "other"),
        ({"medium": {"loaded": True}}, "medium"),  # busy, but nothing has to be loaded
        ({"medium": {"loaded": True, "hold": "heat: hot"}}, "small"),
        ({"small": {"available": False}}, "other"),
        ({name: {"available": False} for name in BY_NAME}, "small"),  # which then says why
        ({"french": {"free": True, "loaded": True}}, "small"),
    ],
)
def test_a_request_to_a_pool_goes_to_one_that_is_ready(changes: dict[str, dict[str, object]], answers: str) -> None:
    engines = [replace(DOWN, name=name, **changes.get(name, {})) for name in BY_NAME]
    found = answering(EARS, engines)
    assert found is not None
    assert found.name == answers


def test_a_request_in_the_language_of_the_first_engine_goes_its_way() -> None:
    engines = [replace(DOWN, name=name, language="fr") for name in BY_NAME]
    engines[-1] = replace(engines[-1], free=True)
    found = answering(EARS, engines)
    assert found is not None
    assert found.name == "french"
    assert answering(EARS, []) is None


# ── what is told and counted ──────────────────────────────────────────────────────────────────────────────────────


def test_each_recording_is_told_with_its_length_and_the_reason() -> None:
    choices = Choices()
    told = [
        choices.tell(ROUTE, source, f"/a/{source}.wav", extent)
        for source, extent in enumerate((723.2, 5.0, 40.0, None))
    ]
    assert told == [
        "0.wav (12 min 3 s) goes to large: 10 min and more.",
        "1.wav (5 s) goes to small or other: under 30 s.",
        "2.wav (40 s) goes to medium: 30 s to 10 min.",
        "3.wav (length unknown) goes to large, as the longest do.",
    ]
    assert choices.tell(ROUTE, 3, "/a/3.wav", None) == "", "only once"
    assert choices.rest() == ""


def test_what_an_earlier_supervisor_told_is_not_told_again() -> None:
    choices = Choices()
    choices.skip(4)
    assert choices.tell(ROUTE, 4, "/a/4.wav", 5.0) == ""
    assert choices.tell(ROUTE, 5, "/a/5.wav", 5.0) != ""
    choices.skip(9)
    assert choices.tell(ROUTE, 6, "/a/6.wav", 5.0) != "", "it has begun by itself since"


def test_where_there_is_no_choice_nothing_is_told() -> None:
    assert Choices().tell(parse_route("small large", KINDS), 0, "/a.wav", 5.0) == ""


def test_of_thousands_of_recordings_most_are_told_together() -> None:
    choices, sources = Choices(), count()
    texts = [choices.tell(ROUTE, next(sources), "/a.wav", 700.0 if n % 10 == 0 else 5.0) for n in range(1000)]
    texts.append(choices.rest())
    said = [text for text in texts if text]
    assert len(said) == ONE_BY_ONE + -(-(1000 - ONE_BY_ONE) // TOGETHER)
    assert said[ONE_BY_ONE] == (
        "100 more recordings: 90 to small or other (under 30 s), 10 to large (10 min and more)."
    )
    assert sum(int(text.partition(" ")[0]) for text in said[ONE_BY_ONE:]) == 1000 - ONE_BY_ONE


def flight(engine: str, *sources: int) -> Flight:
    units = tuple(Unit(index, "x", "", None, source=source) for index, source in enumerate(sources))
    return Flight(1, 1, engine, units, deterministic=False)


def test_the_first_flight_after_a_load_that_work_waited_for_is_a_miss() -> None:
    hits, one = Hits(), job()
    hits.sent("ears", one, flight("small", 0))  # it was loaded at start, before anything came
    assert hits.of("ears") == (1, 0)
    hits.sent("ears", one, flight("small", 0))  # the same recording goes on
    assert hits.of("ears") == (1, 0)
    hits.awaited("large")
    hits.sent("ears", one, flight("large", 1, 2, 2))
    hits.sent("ears", one, flight("large", 2, 3))
    assert hits.of("ears") == (2, 2)
    hits.awaited("small")
    hits.settle(["small"])  # it was loaded, and then nothing waited any more
    hits.sent("ears", one, flight("small", 4))
    assert hits.of("ears") == (3, 2)
    hits.awaited("small")
    hits.sent("", one, flight("small", 5))  # another's work, which waited for the same load
    hits.sent("ears", one, flight("small", 6))
    assert hits.of("ears") == (4, 2)


def test_a_request_is_counted_as_well() -> None:
    hits = Hits()
    hits.asked("ears", loaded=True)
    hits.asked("ears", loaded=False)
    assert (hits.of("ears"), hits.of("others")) == ((1, 1), (0, 0))
