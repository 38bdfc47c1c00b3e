"""The price of a change or a load, said before it is made: units to finish, seconds, bytes, who is unloaded. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engines.settings import as_dict
from ipc.control import Price
from ipc.snapshot import Applies, Scalar
from ipc.states import Ready
from supervisor.memory.ask import Placement
from supervisor.memory.decide import Grant
from supervisor.memory.room import Room
from supervisor.memory.wording import free, needed, size
from supervisor.slot import Slot


def of_change(slot: Slot, changes: Mapping[str, Scalar], applies: Applies, room: Room | None) -> Price:
    """What the change costs, from what was measured at the last load; `room` where memory is concerned."""
    now = as_dict(slot.settings)
    different = {name: value for name, value in changes.items() if now[name] != value}
    what = ", ".join(f"{name} {_shown(now[name])} → {_shown(value)}" for name, value in different.items())
    flying = slot.record.life.units
    if not isinstance(slot.record.state, Ready):
        return Price(f"{what}: used by the next load", 0, None, applied=False)
    reload_seconds = slot.load_seconds if applies in ("model", "process") else None
    beside = room.beside if room is not None else None
    to_finish = 0 if applies == "now" or beside is not None else flying
    parts = [f"{to_finish} {'unit' if to_finish == 1 else 'units'} to finish"] if to_finish else []
    match applies:
        case "now":
            parts.append("from the next token or unit, nothing is interrupted")
        case "flight":
            parts.append("from the next flight")
        case "context":
            parts.append("the context is rebuilt, weights stay")
        case "model":
            parts.append(f"reload {_took(reload_seconds)}")
        case "process" if beside is not None:
            parts.append(f"loads beside the old one, {_took(reload_seconds)}")
        case "process":
            why = ", both do not fit at once" if room is not None and isinstance(room.verdict, Grant) else ""
            parts.append(f"loads after the old one{why}: work waits {_took(reload_seconds)}")
    more: int | None = None
    unloads: tuple[str, ...] = ()
    if room is not None and beside is not None:
        place = beside.claim.placement
        amount = needed(claimed_bytes(place), estimated=place.estimated)
        words, more, _ = _memory(replace(room, verdict=beside, gpus=(), free_bytes=None))
        parts += [f"needs {amount} for that time ({place.words})", *_chosen_anew(slot, room)]
        parts += [f"then {word}" for word in words]
    elif room is not None:
        words, more, unloads = _memory(room)
        parts += [*_chosen_anew(slot, room), *words]
    return Price(f"{what}: {', '.join(parts)}", to_finish, reload_seconds, False, more, unloads)


def of_load(slot: Slot, room: Room) -> Price:
    """What loading the engine costs."""
    verdict = room.verdict
    words, more, unloads = _memory(room)
    if not isinstance(verdict, Grant):
        return Price(f"{slot.name}: {', '.join(words)}", 0, None, False, None, ())
    chosen = [f"as {verdict.claim.words}"] if verdict.claim.words else []
    parts = [f"goes to {verdict.claim.placement.words}", *chosen, *words, f"load {_took(room.load_seconds)}"]
    return Price(f"{slot.name}: {', '.join(parts)}", 0, room.load_seconds, False, more, unloads)


def _took(seconds: float | None) -> str:
    return "—" if seconds is None else f"~{seconds:.1f} s"


def _shown(value: Scalar) -> str:
    return "—" if value in ("", None) else str(value)


def _chosen_anew(slot: Slot, room: Room) -> list[str]:
    """What the ledger would choose where the settings leave it open, unless it has chosen the same already."""
    words = room.verdict.claim.words if isinstance(room.verdict, Grant) else ""
    return [f"as {words}"] if words and (slot.claim is None or words != slot.claim.words) else []


def _memory(room: Room) -> tuple[list[str], int | None, tuple[str, ...]]:
    """Words about memory, the bytes it takes in addition, and who is unloaded."""
    verdict = room.verdict
    if not isinstance(verdict, Grant):
        return [f"there is no room: {verdict.reason} {verdict.help}".strip()], None, ()
    placement = verdict.claim.placement
    # A GPU's bytes and the host's do not make up for each other: one side gives all back, the other takes it all.
    crosses = room.before is not None and bool(room.before.uuids) != bool(placement.slices)
    leaves_gpu = crosses and not placement.slices
    held = 0 if crosses else room.held_bytes
    more = -room.held_bytes if leaves_gpu else claimed_bytes(placement) - held
    words = [verdict.claim.option.first] if verdict.claim.option.first else []
    if more:
        where = f" on GPU {' and '.join(map(str, room.gpus))}" if room.gpus else ""
        left = where if room.free_bytes is None else f"{where} ({free(room.free_bytes)} free)"
        amount = needed(abs(more), estimated=placement.estimated)
        more_word = " more" if held else ""
        words.append(f"needs {amount}{more_word}{left}" if more > 0 else f"frees {amount}{where}")
    if leaves_gpu:
        words.append(f"needs {needed(placement.ram_bytes, estimated=placement.estimated)} of the host's memory")
    leaving = [f"{name} (frees {size(count)})" for name, count in room.leaving_bytes.items()]
    if leaving:
        words.append(f"unloads {', '.join(leaving)}")
    return words, more, verdict.victims


def claimed_bytes(placement: Placement) -> int:
    """What a placement takes: of GPUs, or of the host's memory where it is on none."""
    return sum(one.bytes for one in placement.slices) or placement.ram_bytes
