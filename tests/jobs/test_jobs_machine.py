"""No finished unit is lost and none is done twice, whatever dies whenever: book, air and dispatch in a random world."""

from __future__ import annotations

from typing import Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from job_world import World

from supervisor.jobs.floor import EngineView

LINES = st.lists(
    st.sampled_from(["good", "good", "good", "good", "poison", "bad", "junk"]), min_size=1, max_size=9
).map(tuple)


class Jobs(RuleBasedStateMachine):
    world: World

    @initialize(parallel=st.sampled_from([1, 2, 3]), deterministic=st.booleans(), lines=LINES)
    def open(self, parallel: int, deterministic: bool, lines: tuple[str, ...]) -> None:
        self.world = World(
            EngineView("one", parallel, deterministic, True, True, ""),
            EngineView("two", 2, False, True, True, ""),
        )
        self.submit(lines)

    @rule(times=st.integers(1, 12))
    def live(self, times: int) -> None:
        for _ in range(times):
            self.world.live()
            self.world.check()

    @rule(lines=LINES)
    def submit(self, lines: tuple[str, ...]) -> None:
        self.world.submit(lines)
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
        errand = self.world.errands.popleft()
        if errand.job in self.world.jobs:
            self.world.perform(self.world.book.mishap(errand.job, "the desk died", self.world.now))

    @precondition(lambda self: self.world.airborne)
    @rule(data=st.data())
    def work(self, data: st.DataObject) -> None:
        engine = data.draw(st.sampled_from(sorted(self.world.airborne)))
        if orders := self.world.open_orders(engine):
            self.world.work_on(engine, data.draw(st.sampled_from(orders)))
        else:
            self.world.land(engine)
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

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.dispatch.second()
        self.world.advance()

    @precondition(lambda self: self.world.jobs)
    @rule(data=st.data(), what=st.sampled_from(["pause", "resume", "pause", "resume", "cancel"]))
    def control(self, data: st.DataObject, what: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.world.jobs)))
        match what:
            case "pause":
                self.world.perform(self.world.book.pause(number))
            case "resume":
                self.world.perform(self.world.book.resume(number))
            case _:
                forgotten = self.world.air.forget(number)
                self.world.perform([*forgotten, *self.world.book.cancel(number, self.world.now)])
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
