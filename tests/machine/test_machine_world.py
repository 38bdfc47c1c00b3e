"""The machine against a world that answers in any order, late, or never, and dies at any moment.

The world keeps its own books and checks every effect against them. After each run it turns kind: it performs what
it is asked and lets time pass; then everything must come to rest and everyone who waits must have an answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, assert_never

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from machine_world import PROBLEM, Order, Process, Stage, engine

from ipc.snapshot import Applies, Scalar
from ipc.states import Backoff, Cold, Draining, Failed, Ready, Stopped, Why, pid_of
from supervisor.machine import effects as f
from supervisor.machine import events as e
from supervisor.machine.clock import deadline
from supervisor.machine.record import Asked, BeCold, BeReady, BeStopped, By, Choice, Given, NoRoom, Record, Role
from supervisor.machine.step import step
from supervisor.machine.succession import hand_over, is_due

MOMENTS = st.sampled_from([0.0, 0.05, 0.4, 1.0, 3.0, 8.0, 25.0])
WHYS: list[Why] = ["operator", "idle", "evicted"]


class World(RuleBasedStateMachine):
    """Rules are what can happen; `check` holds after each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.record = engine()
        self.at = 1000.0
        self.process: Process | None = None
        self.spawn_asked = False
        self.pids = 1
        self.flights: set[int] = set()
        self.flight = 0
        self.ticket = 0
        self.tickets: set[int] = set()
        self.waiting: set[f.Reach] = set()
        self.stopped_by_operator = False
        self.burned: set[Scalar] = set()
        self.room: Literal["none", "asked", "given"] = "none"
        self.heir = False

    @initialize(
        role=st.sampled_from(["engine", "engine", "engine", "desk", "heir"]),
        depth=st.sampled_from(["exit", "model"]),
        unload_after=st.sampled_from([0.0, 0.0, 4.0]),
        drain_limit=st.sampled_from([0.0, 3.0]),
        restarts=st.integers(1, 3),
        begins=st.sampled_from(["down", "up", "beside", "beside"]),
        rationed=st.booleans(),
    )
    def begin(
        self,
        role: Role,
        depth: str,
        unload_after: float,
        drain_limit: float,
        restarts: int,
        begins: str,
        rationed: bool,
    ) -> None:
        record = engine(role, unload_depth=depth, unload_after=unload_after, drain_limit=drain_limit, restarts=restarts)
        self.record = replace(record, rationed=rationed and role != "desk")
        if begins != "down":
            self.want_ready("operator")
            while not self.resting():
                self.be_kind()
        if begins == "beside":
            self.fly(2)
            self.want_apply(8, "process", True)

    # ── the runner ────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, event: e.Event) -> None:
        before = self.record
        self.record, effects = step(before, event)
        for effect in effects:
            self.perform(effect, event, before)

    def perform(self, effect: f.Effect, event: e.Event, before: Record) -> None:
        process = self.process
        match effect:
            case f.Spawn(chosen):
                assert process is None, "two processes"
                assert not self.spawn_asked, "two spawns"
                assert not self.stopped_by_operator, "stopped by the operator, and yet started"
                if isinstance(before.state, Failed):
                    assert isinstance(event, e.WantRestart) or event == e.WantReady(self.at, "operator")
                if isinstance(before.state, Backoff) and not isinstance(event, e.WantReady | e.WantRestart):
                    assert self.at >= before.state.until
                assert chosen["size"] not in self.burned
                assert self.room == "given" or not self.record.rationed, "a spawn without room"
                self.spawn_asked = True
            case f.AskRoom(_, chosen):
                assert self.record.rationed
                assert chosen["size"] not in self.burned, "room asked for what ran out of memory"
                self.room = "asked"
            case f.GiveUpRoom():
                assert self.room != "none", "gave up what it did not have"
                self.room = "none"
            case f.SendLoad(chosen):
                assert self.room == "given" or not self.record.rationed, "a load without room"
                assert self.record.role != "desk"
                self.order("load")
                assert not self.process_at_hand().model
                assert chosen["size"] not in self.burned, "loaded again what ran out of memory"
            case f.SendUnload():
                assert self.process_at_hand().model or "load" in self.process_at_hand().outstanding
                self.order("unload")
            case f.SendApply():
                assert self.process_at_hand().model
                self.order("apply")
            case f.SendLeave():
                self.process_at_hand().told_to_leave += 1
                assert self.process_at_hand().told_to_leave == 1
                self.order("leave")
            case f.SendTerm():
                self.process_at_hand().terms += 1
                assert self.process_at_hand().terms == 1
            case f.SendKill():
                self.end(None, 9)
            case f.DumpStacks():
                assert process is not None
            case f.CancelFlights(flights):
                assert set(flights) <= self.flights
            case f.LoseFlights(flights, verdict, alone):
                assert set(flights) <= self.flights, "lost twice, or never in the air"
                assert not alone or (verdict in ("own", "memory") and len(flights) == 1)
                self.flights -= set(flights)
            case f.SettingsInForce(_, tickets) | f.SettingsRefused(_, tickets, _):
                assert set(tickets) <= self.tickets, "answered twice"
                self.tickets -= set(tickets)
            case f.StepDown(lowered):
                assert lowered["size"] != before.settings["size"]
                self.burned.add(before.settings["size"])
            case f.LoadBeside(chosen):
                assert not self.heir, "two heirs"
                assert self.process_at_hand().model, "an heir of nothing at work"
                assert chosen["size"] not in self.burned
                self.heir = True
            case f.GiveUpHeir():
                assert self.heir
                self.heir = False
            case f.Settled(reach, _):
                self.waiting.discard(reach)
            case f.Happen(_, _, text):
                assert text.startswith("writer ")
            case _:
                assert_never(effect)

    def process_at_hand(self) -> Process:
        assert self.process is not None, "an order to nobody"
        return self.process

    def order(self, order: Order) -> None:
        process = self.process_at_hand()
        assert process.greeted, "an order before the handshake"
        assert order not in process.outstanding, "ordered twice"
        process.outstanding.add(order)
        process.orders.append(order)

    def end(self, code: int | None, signal: int | None, *, oom: bool = False) -> None:
        """The process dies; what it has said is still on its way."""
        process = self.process
        if process is not None and not process.dead:
            process.dead = True
            process.said.append(e.Exited(self.at, code, signal, oom, ("its last line",)))

    # ── wishes ────────────────────────────────────────────────────────────────────────────────────────────

    @rule(by=st.sampled_from(["operator", "work", "work"]))
    def want_ready(self, by: By) -> None:
        if by == "operator":
            self.stopped_by_operator = False
        self.waiting.add("ready")
        self.hear(e.WantReady(self.at, by))

    @rule()
    def want_cold(self) -> None:
        self.waiting.add("ready" if self.record.role == "desk" else "cold")
        self.hear(e.WantCold(self.at))

    @rule(why=st.sampled_from(WHYS))
    def want_stopped(self, why: Why) -> None:
        if why == "operator":
            self.stopped_by_operator = True
            self.waiting.add("stopped")
        self.hear(e.WantStopped(self.at, why))

    @rule()
    def want_restart(self) -> None:
        self.stopped_by_operator = False
        self.waiting.add("ready")
        self.hear(e.WantRestart(self.at))

    @precondition(lambda self: self.record.heir is None)
    @rule(
        size=st.sampled_from([4, 8, 16]),
        applies=st.sampled_from(["now", "flight", "context", "model", "process"]),
        beside=st.booleans(),
    )
    def want_apply(self, size: int, applies: Applies, beside: bool) -> None:
        self.ticket += 1
        self.tickets.add(self.ticket)
        self.burned.clear()  # what the operator chooses may run out of memory again, and go back to what worked
        beside = beside and applies == "process" and self.record.role == "engine"
        self.hear(e.WantApply(self.at, {"size": size}, applies, self.ticket, beside=beside))

    @precondition(lambda self: self.heir)
    @rule(heat=st.integers(1, 3), applies=st.sampled_from(["now", "flight"]))
    def want_meanwhile(self, heat: int, applies: Applies) -> None:
        """While an heir loads: the runner asks it of both."""
        self.ticket += 1
        self.tickets.add(self.ticket)
        self.hear(e.WantApply(self.at, {"heat": heat}, applies, self.ticket))

    @rule()
    def kills_everything(self) -> None:
        self.hear(e.KillsEverything(self.at, "three units in a row died"))

    # ── the ledger ────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.room == "asked")
    @rule(answer=st.sampled_from(["given", "given", "elsewhere", "refused"]))
    def answer_room(self, answer: str) -> None:
        if answer == "refused":
            self.room = "none"
            self.hear(e.RoomRefused(self.at, self.record.asks, PROBLEM))
        else:
            self.room = "given"
            rungs = tuple({"size": size} for size in (4, 2, 1) if size < self.size())
            choice = Choice({"unload_after": 4.0}, rungs)
            self.hear(e.RoomGiven(self.at, self.record.asks, choice, answer == "elsewhere"))

    @precondition(lambda self: self.room == "given")
    @rule()
    def lose_room(self) -> None:
        self.hear(e.RoomLost(self.at))

    def size(self) -> int:
        size = self.record.settings["size"]
        assert isinstance(size, int)
        return size

    # ── the heir ──────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.heir)
    @rule(its_fault=st.booleans())
    def lose_heir(self, its_fault: bool) -> None:
        self.heir = False
        self.hear(e.HeirLost(self.at, PROBLEM if its_fault else None, "it is gone"))

    @precondition(lambda self: self.heir)
    @rule()
    def hand_over(self) -> None:
        """From now on the world is that of the heir; nothing of the former process is waited for."""
        change = self.record.heir
        assert change is not None
        settings = {**self.record.settings, **change.changes}
        for other in (self.record.life.applying, self.record.change):
            settings |= {} if other is None else other.changes
        heir = Record("writer's successor", "llm", "heir", settings, self.record.lower, self.record.rationed)
        stage = Stage(heir, at=self.at, pid=self.pids).want()
        if heir.rationed:
            stage.hear(e.RoomGiven(self.at, 1, Choice({}, ()), False))
        stage.up()
        assert is_due(self.record, stage.record, self.at)
        self.record, former, effects = hand_over(self.record, stage.record, "writer's former process")
        left = Stage(former, at=self.at).hear(e.WantStopped(self.at, "replaced"))
        assert not isinstance(left.state, Ready), "the former process goes on"
        self.process = Process(self.pids, greeted=True, model=True)
        self.pids += 1
        self.flights.clear()
        self.burned.clear()
        self.heir, self.spawn_asked = False, False
        self.room = "given" if heir.rationed else "none"
        for effect in effects:
            self.perform(effect, e.Tick(self.at), self.record)
        self.hear(e.WantReady(self.at, "work"))

    # ── the process ───────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.spawn_asked)
    @rule(works=st.sampled_from([True, True, True, False]))
    def spawn(self, works: bool) -> None:
        self.spawn_asked = False
        if works:
            self.process = Process(self.pids)
            self.pids += 1
            self.process.said.append(e.Greeted(self.at))
            self.hear(e.Spawned(self.at, self.process.pid))
        else:
            self.hear(e.SpawnFailed(self.at, PROBLEM))

    @precondition(lambda self: self.process is not None and self.process.said)
    @rule()
    def deliver(self) -> None:
        process = self.process_at_hand()
        fact = process.said.popleft()
        match fact:
            case e.Greeted():
                process.greeted = True
            case e.Loaded():
                process.outstanding.discard("load")
                process.model = True
            case e.LoadFailed():
                process.outstanding.discard("load")
            case e.Unloaded():
                process.outstanding -= {"load", "unload"}
                process.model = False
            case e.Applied() | e.ApplyFailed():
                process.outstanding.discard("apply")
            case e.FlightEnded(_, flight):
                self.flights.discard(flight)
            case e.Exited():
                self.process = None
            case _:
                pass
        now = type(fact)(**{**{name: getattr(fact, name) for name in fact.__slots__}, "at": self.at})
        self.hear(now)
        if self.process is None:
            assert not self.flights, "a flight survived its process"

    @precondition(lambda self: self.process is not None and self.process.orders and not self.stuck())
    @rule(outcome=st.sampled_from(["good", "good", "good", "bad", "oom", "permanent"]))
    def obey(self, outcome: str) -> None:
        process = self.process_at_hand()
        order, at = process.orders.popleft(), self.at
        match order:
            case "load":
                if "unload" in process.orders:
                    return  # cancelled before it began; the answer to the unload stands for both
                process.said.append(e.LoadProgressed(at, 0.5))
                if outcome == "good":
                    process.said.append(e.Loaded(at, 100))
                else:
                    process.said.append(e.LoadFailed(at, PROBLEM, outcome == "oom", outcome == "permanent"))
            case "unload":
                process.said.append(e.Unloaded(at, 0))
            case "apply":
                process.said.append(e.Applied(at) if outcome == "good" else e.ApplyFailed(at, PROBLEM))
            case "leave":
                self.end(0, None)
            case _:
                assert_never(order)

    @precondition(lambda self: self.process is not None and not self.stuck())
    @rule(step=st.integers(0, 1))
    def beat(self, step: int) -> None:
        process = self.process_at_hand()
        process.progress += step
        process.said.append(e.Beat(self.at, process.progress))

    @precondition(lambda self: self.process is not None and not self.stuck())
    @rule(
        how=st.sampled_from([(1, None), (0, None), (None, 9), (None, 11), (143, None)]),
        oom=st.booleans(),
        words=st.booleans(),
        link=st.booleans(),
    )
    def die(self, how: tuple[int | None, int | None], oom: bool, words: bool, link: bool) -> None:
        process = self.process_at_hand()
        if words:
            process.said.append(e.DyingSaid(self.at, PROBLEM, oom))
        if link:
            process.said.append(e.LinkBroke(self.at, PROBLEM))
        self.end(*how, oom=oom and how[1] == 9)

    @precondition(lambda self: self.process is not None and self.process.terms and not self.stuck())
    @rule()
    def obey_term(self) -> None:
        self.end(None, 15)

    @precondition(lambda self: self.process is not None and not self.stuck())
    @rule()
    def hang(self) -> None:
        self.process_at_hand().hung = True

    @precondition(lambda self: self.process is not None and not self.stuck())
    @rule()
    def lose_link(self) -> None:
        self.process_at_hand().said.append(e.LinkBroke(self.at, PROBLEM))

    def stuck(self) -> bool:
        return self.process is not None and (self.process.hung or self.process.dead)

    # ── flights ───────────────────────────────────────────────────────────────────────────────────────────

    @rule(units=st.integers(1, 3))
    def fly(self, units: int) -> None:
        self.flight += 1
        self.flights.add(self.flight)
        self.hear(e.FlightBegan(self.at, self.flight, units))
        if self.process is None:
            assert self.flight not in self.flights, "nothing can carry it, and yet it was not lost"

    @precondition(lambda self: self.process is not None and self.flights and not self.stuck())
    @rule(data=st.data())
    def unit(self, data: st.DataObject) -> None:
        flight = data.draw(st.sampled_from(sorted(self.flights)))
        self.process_at_hand().said.append(e.UnitEnded(self.at, flight))

    @precondition(lambda self: self.process is not None and self.flights and not self.stuck())
    @rule(data=st.data())
    def land(self, data: st.DataObject) -> None:
        flight = data.draw(st.sampled_from(sorted(self.flights)))
        self.process_at_hand().said.append(e.FlightEnded(self.at, flight))

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────

    @rule(seconds=MOMENTS)
    def wait(self, seconds: float) -> None:
        until = self.at + seconds
        for _ in range(200):
            due = deadline(self.record)
            if due is None or due > until:
                break
            self.at = max(self.at, due)
            self.hear(e.Tick(self.at))
        else:
            raise AssertionError(f"the deadline does not move: {self.record}")
        self.at = until

    # ── what always holds ─────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def check(self) -> None:
        record, state = self.record, self.record.state
        assert pid_of(state) == (None if self.process is None else self.process.pid)
        assert record.spawning == self.spawn_asked
        assert (record.heir is not None) == self.heir
        if record.heir is not None:
            assert isinstance(record.goal, BeReady)
            assert record.change is None or record.change.applies in ("now", "flight"), "two changes under way"
        assert {NoRoom: "none", Asked: "asked", Given: "given"}[type(record.room)] == self.room
        asks = isinstance(record.room, Asked)
        if self.process is None and isinstance(record.goal, BeStopped) and not record.spawning:
            assert self.room == "none", "room is kept for nothing"
        if not record.spawning and not asks and not isinstance(state, Stopped | Failed):
            assert deadline(record) is not None, f"nothing ends {state}"
        if isinstance(state, Stopped) and not record.spawning and not asks:
            assert isinstance(record.goal, BeStopped)
        if isinstance(state, Ready | Draining):
            assert state.units == self.record.life.units
        if isinstance(state, Stopped | Failed):
            assert record.change is None or record.spawning
        assert {flight.id for flight in record.life.flights} == self.flights

    # ── how it must end ───────────────────────────────────────────────────────────────────────────────────

    def teardown(self) -> None:
        for _ in range(400):
            if self.resting():
                break
            self.be_kind()
        assert self.resting(), f"never at rest: {self.record}"
        assert not self.tickets, "a change without an outcome"
        assert not self.waiting, f"waits for ever for {self.waiting}: {self.record}"

    def be_kind(self) -> None:
        process = self.process
        if self.spawn_asked:
            self.spawn(True)
        elif self.room == "asked":
            self.answer_room("given")
        elif self.heir:
            self.lose_heir(False)
        elif process is None or (process.hung and not process.said and not process.dead):
            due = deadline(self.record)
            self.wait(0.0 if due is None else max(0.0, due - self.at))
        elif process.said:
            self.deliver()
        elif process.terms:
            self.end(None, 15)
        elif process.orders:
            self.obey("good")
        elif self.flights:
            process.said.append(e.FlightEnded(self.at, min(self.flights)))
        else:
            self.wait(0.9)
            self.beat(1)
        self.check()

    def resting(self) -> bool:
        if (
            self.spawn_asked
            or self.room == "asked"
            or self.heir
            or (self.process is not None and (self.process.hung or self.process.said))
        ):
            return False
        match self.record.state, self.record.goal:
            case (Stopped(), BeStopped()) | (Failed(), _):
                return True
            case Ready(units=0), BeReady():
                return self.record.life.applying is None
            case Cold(), BeCold():
                return True
            case Cold(), BeReady():
                return self.record.role == "desk" and not self.flights
            case _:
                return False


TestWorld = World.TestCase
TestWorld.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
