"""The policies in a random world of loads, growth, leaks and strangers: no byte is given twice, none leaves in vain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from memory_box import ask, gib, gpu

from ipc.snapshot import Pressure
from supervisor.memory.fleet import HOST, GpuRoom, HostRoom, Resident
from supervisor.memory.leaving import gpus_without, host_without
from supervisor.memory.placement import Ask, Placement, Refusal, place
from supervisor.memory.pressure import USUAL, pressure_of
from supervisor.memory.victims import Plan, Wait, make_room, relief

ENGINES = [f"e{number}" for number in range(9)]
RESERVE, HOST_TOTAL, MIN_RESIDENCY = 0.5, 32.0, 30.0
SIZES = st.sampled_from([0.5, 1.0, 2.0, 3.5, 5.0, 8.0, 11.0, 20.0])


@dataclass
class Engine:
    """What the world knows of a loaded one, in bytes."""

    claimed: dict[str, int]
    loaded_at: float
    idle_since: float
    measured: dict[str, int] = field(default_factory=dict)
    busy: bool = False
    wanted: bool = False
    pinned: bool = False
    priority: int = 5

    def held(self) -> dict[str, int]:
        """What its exit gives back."""
        return {uuid: max(self.measured.get(uuid, 0), count) for uuid, count in self.claimed.items()}


class Box(RuleBasedStateMachine):
    """A box with a few GPUs and its ledger in the simplest form."""

    @initialize(
        totals=st.lists(st.sampled_from([6.0, 12.0, 24.0]), min_size=1, max_size=3),
        sizes=st.lists(st.sampled_from([2.0, 3.5, 5.0, 8.0]), min_size=2, max_size=6),
    )
    def open(self, totals: list[float], sizes: list[float]) -> None:
        self.now = 1000.0
        self.cards = [gpu(index, 0, total, limit=3) for index, total in enumerate(totals)]
        self.total = {**{card.uuid: card.total_bytes for card in self.cards}, HOST: gib(HOST_TOTAL)}
        self.others = dict.fromkeys(self.total, 0)
        self.leaked = dict.fromkeys(self.total, 0)
        self.pressure: dict[str, Pressure] = dict.fromkeys(self.total, "low")
        self.engines: dict[str, Engine] = {}
        for size in sizes:
            self.load(size, 4, -1, 0.0, 0.5, 1, "auto", 5, 31.0)

    # ── the ledger ────────────────────────────────────────────────────────────────────────────────────────

    def claimed(self, uuid: str) -> int:
        return sum(one.held().get(uuid, 0) for one in self.engines.values())

    def may_be_claimed(self, uuid: str) -> int:
        return self.total[uuid] - gib(RESERVE) - self.others[uuid] - self.leaked[uuid]

    def gpus(self) -> tuple[GpuRoom, ...]:
        return tuple(
            replace(
                card,
                free_bytes=self.may_be_claimed(card.uuid) - self.claimed(card.uuid),
                pressure=self.pressure[card.uuid],
                residents=sum(1 for one in self.engines.values() if one.held().get(card.uuid)),
            )
            for card in self.cards
        )

    def host(self) -> HostRoom:
        return HostRoom(self.total[HOST], self.may_be_claimed(HOST) - self.claimed(HOST), self.pressure[HOST])

    def residents(self) -> list[Resident]:
        return [
            Resident(
                name,
                one.held(),
                one.busy,
                one.wanted,
                one.pinned,
                one.priority,
                self.now - one.idle_since,
                self.now - one.loaded_at,
                MIN_RESIDENCY,
                20.0,
            )
            for name, one in self.engines.items()
        ]

    def look(self) -> None:
        for uuid, total in self.total.items():
            used = self.others[uuid] + self.leaked[uuid]
            used += sum(one.measured.get(uuid, 0) for one in self.engines.values())
            self.pressure[uuid] = pressure_of(used / total, self.pressure[uuid], USUAL)

    def leave(self, names: Iterable[str]) -> None:
        for name in names:
            one = self.engines.pop(name)
            assert (one.busy, one.wanted, one.pinned) == (False, False, False), "it could not leave"
            assert self.now - one.loaded_at >= MIN_RESIDENCY, "it was too young to leave"
        self.look()

    def without(self, leaving: Sequence[Resident]) -> tuple[tuple[GpuRoom, ...], HostRoom]:
        return gpus_without(self.gpus(), leaving, USUAL), host_without(self.host(), leaving, USUAL)

    # ── what happens ──────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: len(self.engines) < len(ENGINES))
    @rule(
        size=SIZES,
        pieces=st.sampled_from([1, 4, 12]),
        on_gpu=st.sampled_from([-1, -1, -1, 0, None]),
        per_gpu=st.sampled_from([0.0, 0.5]),
        ram=st.sampled_from([0.0, 0.5, 4.0]),
        spread=st.integers(1, 3),
        to=st.sampled_from(["auto", "auto", "auto", "0", "0,1", "cpu"]),
        priority=st.integers(1, 9),
        later=st.sampled_from([0.0, 31.0, 300.0]),
    )
    def load(
        self,
        size: float,
        pieces: int,
        on_gpu: int | None,
        per_gpu: float,
        ram: float,
        spread: int,
        to: str,
        priority: int,
        later: float,
    ) -> None:
        self.time_passes(later)
        name = next(one for one in ENGINES if one not in self.engines)
        asked = ask(size, engine=name, pieces=pieces, on_gpu=on_gpu, per_gpu=per_gpu, ram=ram, spread=spread, to=to)
        answer = make_room(asked, self.gpus(), self.host(), self.residents())
        self.check(asked, answer)
        if not isinstance(answer, Plan):
            return
        self.leave(answer.victims)
        assert isinstance(place(asked, self.gpus(), self.host()), Placement), "their leaving made no room"
        claim = {one.uuid: one.bytes for one in answer.placement.slices}
        claim[HOST] = answer.placement.ram_bytes
        self.engines[name] = Engine(claim, self.now, self.now, priority=priority)
        for uuid, count in claim.items():
            assert count == 0 or self.claimed(uuid) <= self.may_be_claimed(uuid), f"{uuid} was given twice"
        for card in self.gpus():
            assert card.uuid not in claim or card.residents <= card.residents_limit

    def check(self, asked: Ask, answer: Plan | Wait | Refusal) -> None:
        """The answer is the mildest that there is."""
        residents = self.residents()
        mobile = [one for one in residents if not one.pinned]
        free_to_go = [
            one for one in mobile if not (one.busy or one.wanted) and one.resident_seconds >= one.min_residency
        ]
        now = place(asked, self.gpus(), self.host())
        whole = asked.pieces is not None  # who takes as much as fits is never helped by the CPU being free
        if isinstance(now, Placement):
            assert answer == Plan(now, ())
        elif whole and isinstance(place(asked, *self.without(free_to_go)), Placement):
            assert isinstance(answer, Plan)
        elif whole and isinstance(place(asked, *self.without(mobile)), Placement):
            assert isinstance(answer, Wait)
        elif whole:
            assert isinstance(answer, Refusal)
        if isinstance(answer, Plan) and not isinstance(now, Placement):
            assert answer.victims
            assert set(answer.victims) <= {one.engine for one in free_to_go}
            for spared in answer.victims:
                fewer = [one for one in residents if one.engine in answer.victims and one.engine != spared]
                assert not whole or isinstance(place(asked, *self.without(fewer)), Refusal), f"{spared} left in vain"
        if isinstance(answer, Wait | Refusal):
            assert answer.reason.endswith(".")
            assert answer.help.endswith(".")

    @precondition(lambda self: self.engines)
    @rule(data=st.data(), growth=st.sampled_from([0.5, 1.0, 1.1]))
    def grow(self, data: st.DataObject, growth: float) -> None:
        """Its memory is taken, more than was expected at times."""
        one = self.engines[data.draw(st.sampled_from(sorted(self.engines)))]
        one.measured = {uuid: round(count * growth) for uuid, count in one.claimed.items()}

    @precondition(lambda self: self.engines)
    @rule(data=st.data(), extra=SIZES)
    def claim_grows(self, data: st.DataObject, extra: float) -> None:
        """A higher peak was learned while it was loaded."""
        one = self.engines[data.draw(st.sampled_from(sorted(self.engines)))]
        one.claimed = {uuid: count + gib(extra) // 4 for uuid, count in one.claimed.items() if count}

    @precondition(lambda self: self.engines)
    @rule(data=st.data(), share=st.sampled_from([0, 0, 0, 2, 1]))
    def unload(self, data: st.DataObject, share: int) -> None:
        """The operator stops one; some of its memory may stay behind."""
        one = self.engines.pop(data.draw(st.sampled_from(sorted(self.engines))))
        for uuid, count in one.measured.items():
            self.leaked[uuid] += count // share if share else 0

    @rule()
    def leaks_come_back(self) -> None:
        self.leaked = dict.fromkeys(self.total, 0)

    @rule(data=st.data(), size=st.sampled_from([0.0, 0.0, 1.0, 4.0, 11.0, 22.0]))
    def strangers_come_and_go(self, data: st.DataObject, size: float) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.total)))
        self.others[uuid] = min(gib(size), self.total[uuid])

    @precondition(lambda self: self.engines)
    @rule(data=st.data(), busy=st.booleans(), wanted=st.sampled_from([False, False, True]))
    def work(self, data: st.DataObject, busy: bool, wanted: bool) -> None:
        one = self.engines[data.draw(st.sampled_from(sorted(self.engines)))]
        one.busy, one.wanted = busy, wanted
        one.idle_since = self.now

    @rule()
    def all_work_ends(self) -> None:
        for one in self.engines.values():
            one.busy = one.wanted = False

    @precondition(lambda self: self.engines)
    @rule(data=st.data(), pinned=st.sampled_from([False, False, True]))
    def pin(self, data: st.DataObject, pinned: bool) -> None:
        self.engines[data.draw(st.sampled_from(sorted(self.engines)))].pinned = pinned

    @rule(seconds=st.sampled_from([1.0, 31.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.look()

    @rule()
    def pressure_is_relieved(self) -> None:
        self.look()
        for uuid, total in self.total.items():
            names = relief(self.residents(), uuid, total, self.pressure[uuid], USUAL)
            assert all(self.engines[name].held()[uuid] > 0 for name in names)
            assert len(names) <= 1 or self.pressure[uuid] == "critical"
            self.leave(names)


TestBox = Box.TestCase
TestBox.settings = settings(
    max_examples=250, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
