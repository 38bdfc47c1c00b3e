"""One engine's decision: its appraisal and the box as it is give a claim, a wait or a refusal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import msgspec

from engines.appraisal import Appraisal, Option
from engines.settings import EngineSettings, as_dict
from ipc.snapshot import Scalar
from supervisor.memory.ask import Ask, Placement, Refusal
from supervisor.memory.claims import Claim
from supervisor.memory.fleet import GpuRoom, HostRoom, Resident
from supervisor.memory.footprints import Key
from supervisor.memory.options import choose
from supervisor.memory.pressure import Thresholds
from supervisor.memory.tiers import tier_of
from supervisor.memory.victims import Plan, Wait, make_room


class Known(Protocol):
    """What was learned: `supervisor.memory.footprints.Footprints`."""

    def peak_bytes(self, key: Key) -> int | None: ...
    def ran_out(self, key: Key) -> bool: ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """The box as the policies see it, from the view of one engine: what that holds itself counts as free."""

    gpus: tuple[GpuRoom, ...]
    host: HostRoom
    residents: tuple[Resident, ...]
    threads_free: int
    """CPU threads that no engine has claimed; below 0 where more were claimed than there are."""
    threads_fair: int
    """What each engine gets where all share alike."""
    thresholds: Thresholds

    def named(self, uuid: str) -> GpuRoom | None:
        """The GPU of that UUID, or that MIG device's."""
        return next((gpu for gpu in self.gpus if uuid == gpu.uuid or uuid in gpu.mig), None)


@dataclass(frozen=True, slots=True)
class Case:
    """An engine that asks for room."""

    engine: str
    kind: str
    settings: EngineSettings
    """As asked for."""
    appraisal: Appraisal
    by_work: bool
    """Work asks: then the ladder steps before it waits for what never comes."""
    bound: tuple[str, ...] | None
    """UUIDs that its process was started on; None without a process."""
    unsuited: Mapping[str, str]
    """GPUs that its library was found unable to use."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Room for a load, once these have left. `rungs` are the settings below, for when memory does not suffice."""

    claim: Claim
    victims: tuple[str, ...]
    rungs: tuple[Mapping[str, Scalar], ...]


Verdict: TypeAlias = Grant | Wait | Refusal


def decide(case: Case, rooms: Rooms, known: Known) -> Verdict:
    """The best way to load that fits now, or with idle engines gone; else why not."""
    judge = _Judge(case, rooms, known)
    chosen = choose(case.appraisal, judge.verdict, step=case.by_work or judge.remembers())
    if isinstance(chosen, Wait | Refusal):
        return chosen
    plan = chosen.plan
    return Grant(judge.claim(chosen.option, plan.placement), plan.victims, tuple(one.changes for one in chosen.left))


def key_of(kind: str, claim: Claim, models: Iterable[str]) -> Key:
    """What the claim's footprint is learned for, on GPUs of these models."""
    return Key(kind, claim.option.model, claim.shape, " + ".join(dict.fromkeys(models)))


class _Judge:
    """The verdict on each way to load. Lives for one decision."""

    def __init__(self, case: Case, rooms: Rooms, known: Known) -> None:
        self._case, self._rooms, self._known = case, rooms, known

    def remembers(self) -> bool:
        """Whether one of the ways that the settings leave open ran out of memory on a GPU here, or on the host."""
        names = [*(gpu.name for gpu in self._rooms.gpus), ""]
        return any(
            self._known.ran_out(self._key(option, name)) for option in self._case.appraisal.options for name in names
        )

    def verdict(self, option: Option) -> Plan | Wait | Refusal:
        """Where this way to load goes."""
        rooms = self._rooms
        found = make_room(self._ask(option), rooms.gpus, rooms.host, rooms.residents, rooms.thresholds)
        on_cpu = isinstance(found, Plan) and not found.placement.slices
        if on_cpu and self._known.ran_out(self._key(option, "")):
            return Refusal(
                "Ran out of memory before",
                f"With these settings {self._case.engine} ran out of the host's memory before.",
                f"Use smaller settings, or `engineroom set {self._case.engine} ladder=reset` to try again.",
                impossible=False,
            )
        return found

    def claim(self, option: Option, placement: Placement) -> Claim:
        """The claim for this way to load there."""
        need, settings = option.need, self._case.settings
        if not placement.slices and self._known.peak_bytes(self._key(option, "")) is not None:
            placement = replace(placement, estimated=False)
        chosen: dict[str, Scalar] = dict(option.changes)
        parts = [option.words] if option.changes else []
        if need.on_gpu is None and self._case.appraisal.layers_knob:
            chosen[self._case.appraisal.layers_knob] = placement.on_gpu
            parts.append(f"{placement.on_gpu} of {len(need.layers)} layers")
        if settings.unload_after < 0 and placement.slices:
            gpu = self._rooms.named(placement.slices[0].uuid)
            chosen["unload_after"] = tier_of(gpu.total_bytes).unload_after if gpu is not None else 0.0
        threads = self._threads(settings)
        if threads:
            knob, times = settings.threading()
            chosen[knob] = max(1, threads // times)
        shape, whole = (self._shape(option, count) for count in (placement.on_gpu, len(need.layers)))
        words = " · ".join(part for part in parts if part)
        return Claim(self._case.engine, placement, option, shape, whole, chosen, words, threads)

    def _threads(self, settings: EngineSettings) -> int:
        """Threads for an engine that leaves their number open: what is free, and a fair share at least.

        Deterministic work keeps the number that its library chooses, whoever else is here.
        """
        knob, times = settings.threading()
        if not knob or settings.deterministic:
            return 0
        asked = int(getattr(settings, knob)) * times
        return asked or max(1, self._rooms.threads_free, self._rooms.threads_fair)

    def _ask(self, option: Option) -> Ask:
        case, appraisal = self._case, self._case.appraisal
        names = dict.fromkeys(gpu.name for gpu in self._rooms.gpus)
        peaks = {name: self._known.peak_bytes(self._key(option, name)) for name in names}
        why = f"ran out of memory with these settings (`engineroom set {case.engine} ladder=reset` forgets that)"
        ran_out = {gpu.uuid: why for gpu in self._rooms.gpus if self._known.ran_out(self._key(option, gpu.name))}
        in_ram = self._known.peak_bytes(self._key(option, ""))
        need = option.need
        if in_ram is not None:
            need = msgspec.structs.replace(need, host_bytes=max(0, in_ram - sum(need.layers)))
        return Ask(
            engine=case.engine,
            gpu=case.settings.gpu,
            need=need,
            spread=appraisal.spread,
            least_capability=appraisal.least_capability,
            why_no_gpu=appraisal.why_no_gpu,
            level=option.level,
            open_level=option in appraisal.options and len(appraisal.options) > 1,
            bound=case.bound,
            unsuited={**ran_out, **case.unsuited},
            learned={name: peak for name, peak in peaks.items() if peak is not None},
        )

    def _key(self, option: Option, gpu: str) -> Key:
        return Key(self._case.kind, option.model, self._shape(option, len(option.need.layers)), gpu)

    def _shape(self, option: Option, on_gpu: int) -> str:
        """The settings that its memory depends on, with so many pieces on GPUs where their number was left open."""
        knob = self._case.appraisal.layers_knob
        layers = {knob: on_gpu} if knob and option.need.on_gpu is None else {}
        values = {**as_dict(self._case.settings), **option.changes, **layers}
        shape = msgspec.convert(values, type(self._case.settings)).shape()
        return " ".join(f"{name}={value}" for name, value in shape.items())
