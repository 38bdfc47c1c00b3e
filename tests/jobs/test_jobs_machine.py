"""No finished unit is lost and none is done twice, whatever dies or is changed whenever: book, air and dispatch in a
random world, with an operator who pauses, moves, cancels, retries and does again."""

from __future__ import annotations

from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from job_world import World

from config.pools import Pool, parse_route
from supervisor.jobs.floor import EngineView

LINES = st.lists(
    st.sampled_from(["good", "good", "good", "good", "poison", "bad", "junk", "torn"]), min_size=1, max_size=9
).map(tuple)
INPUTS = st.lists(LINES, min_size=1, max_size=3).map(tuple)


class Jobs(RuleBasedStateMachine):
    world: World

    @initialize(
        parallel=st.sampled_from([1, 2, 3]),
        deterministic=st.booleans(),
        joins=st.booleans(),
        inputs=INPUTS,
        folder=st.booleans(),
        routes=st.sampled_from([(), ("one < 30s < two",), ("one < 30s < two one < 90s < one", "two one")]),
    )
    def open(
        self,
        parallel: int,
        deterministic: bool,
        joins: bool,
        inputs: tuple[tuple[str, ...], ...],
        folder: bool,
        routes: tuple[str, ...],
    ) -> None:
        kinds = {"one": "fake", "two": "fake"}
        self.world = World(
            EngineView("one", parallel, deterministic, True, True, "", joins=joins),
            EngineView("two", 2, False, True, True, ""),
            pools=tuple(Pool(f"pool{n}", "fake", parse_route(route, kinds)) for n, route in enumerate(routes)),
        )
        self.world.submit(*inputs, folder=folder)
        self.world.advance()

    @rule(times=st.integers(1, 12))
    def live(self, times: int) -> None:
        for _ in range(times):
            self.world.live()
            self.world.check()

    @rule(inputs=INPUTS, folder=st.booleans(), after=st.booleans(), priority=st.integers(1, 9))
    def submit(self, inputs: tuple[tuple[str, ...], ...], folder: bool, after: bool, priority: int) -> None:
        known = tuple(self.world.told)[-1:] if after else ()
        self.world.submit(*inputs, folder=folder, after=known, priority=priority)
        self.world.advance()

    @rule(count=st.integers(1, 5))
    def commit(self, count: int) -> None:
        self.world.commit(count)
        self.world.advance()

    @precondition(lambda self: self.world.errands)
    @rule()
    def errand(self) -> None:
        self.world.run_errand()
        self.world.advance()

    @precondition(lambda self: self.world.errands)
    @rule()
    def errand_fails(self) -> None:
        errand, job, _ = self.world.errands.popleft()
        if self.world.jobs.get(errand.job) is job:
            self.world.perform(self.world.book.mishap(errand.job, "the desk died", self.world.now))

    @precondition(lambda self: self.world.airborne)
    @rule(data=st.data())
    def work(self, data: st.DataObject) -> None:
        engine = data.draw(st.sampled_from(sorted(self.world.airborne)))
        orders = self.world.open_orders(engine)
        if not orders or (self.world.whole(engine) is not None and data.draw(st.booleans())):
            self.world.land(engine)
        else:
            self.world.work_on(engine, data.draw(st.sampled_from(orders)))
        self.world.advance()

    @rule(
        data=st.data(), verdict=st.sampled_from(["outside", "ours", "memory", "own", "landed"]), done=st.integers(0, 2)
    )
    def interrupt(
        self, data: st.DataObject, verdict: Literal["outside", "ours", "memory", "own", "landed"], done: int
    ) -> None:
        self.world.take_off()
        for _ in range(done):
            if self.world.airborne:
                self.work(data)
        if not self.world.airborne:
            return
        engine = data.draw(st.sampled_from(sorted(self.world.airborne)))
        if verdict == "landed":
            self.world.land(engine)
        else:
            self.world.die(engine, verdict)
        self.world.advance()

    @precondition(lambda self: self.world.old_results)
    @rule(data=st.data())
    def say_again(self, data: st.DataObject) -> None:
        engine, said = data.draw(st.sampled_from(self.world.old_results))
        if said.flight in [flying.flight for flying in self.world.airborne.get(engine, ())]:
            before = {number: job.facts for number, job in self.world.jobs.items()}
            self.world.perform(self.world.air.done(engine, said))
            assert before == {number: job.facts for number, job in self.world.jobs.items()}, "a result counts once"

    @rule(name=st.sampled_from(["one", "two"]), available=st.booleans())
    def engine_comes_and_goes(self, name: str, available: bool) -> None:
        self.world.operate(name, available=available)
        self.world.advance()

    @rule(parallel=st.integers(1, 3))
    def parallel_changes(self, parallel: int) -> None:
        self.world.floor.change("one", parallel=parallel)
        self.world.advance()

    @rule(lines=st.integers(1, 3))
    def size_changes(self, lines: int) -> None:
        self.world.divide(lines)
        self.world.advance()

    @rule(gone=st.booleans())
    def sources_go_and_come(self, gone: bool) -> None:
        self.world.gone = gone

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.second()
        self.world.advance()

    @precondition(lambda self: self.world.jobs)
    @rule(
        data=st.data(),
        what=st.sampled_from(["pause", "resume", "cancel", "first", "last", "one", "any", "pool0", "pool1", "release"]),
    )
    def steer(self, data: st.DataObject, what: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.jobs)))
        book = self.world.book
        match what:
            case "pause" | "resume":
                self.world.perform(book.change(number, paused=what == "pause"))
            case "first" | "last":
                self.world.perform(book.change(number, priority=9 if what == "first" else 1))
            case "one" | "any":
                self.world.perform(book.change(number, engine="" if what == "any" else "one"))
            case "pool0" | "pool1" if what in [pool.name for pool in self.world.pools]:
                self.world.perform(book.change(number, engine=what))
            case "pool0" | "pool1":
                pass
            case "release":
                self.world.perform(book.change(number, after=()))
            case _ if self.world.jobs[number].errand != "placing":
                self.world.cancel(number)
            case _:
                pass
        self.world.advance()

    @precondition(lambda self: self.world.told)
    @rule(data=st.data(), mended=st.booleans())
    def retry(self, data: st.DataObject, mended: bool) -> None:
        self.world.mended = self.world.mended or mended
        self.world.retry(data.draw(st.sampled_from(sorted(self.world.told))))
        self.world.advance()

    @precondition(lambda self: self.world.told)
    @rule(data=st.data(), choose=st.integers(0, 20), settled=st.booleans())
    def redo(self, data: st.DataObject, choose: int, settled: bool) -> None:
        if settled:
            for _ in range(8):
                self.world.live()
        self.world.redo(data.draw(st.sampled_from(sorted(self.world.told))), choose)
        self.world.advance()

    @precondition(lambda self: any(facts.ending for facts in self.world.told.values()))
    @rule(data=st.data())
    def clear(self, data: st.DataObject) -> None:
        over = [number for number, facts in self.world.told.items() if facts.ending and number not in self.world.jobs]
        if over:
            self.world.clear(data.draw(st.sampled_from(over)))
        self.world.advance()

    @rule(data=st.data(), done=st.integers(0, 3), stored=st.integers(0, 3))
    def supervisor_dies(self, data: st.DataObject, done: int, stored: int) -> None:
        self.world.take_off()
        for _ in range(done):
            if self.world.airborne:
                self.work(data)
        self.world.commit(stored)
        self.world.boot()
        self.world.advance()

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle()
            self.world.check()
            self.world.check_end()
            self.world.disk.close()


TestJobs = Jobs.TestCase
TestJobs.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
