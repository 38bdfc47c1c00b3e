"""Which GPUs count for a load: those that the operator named, those its process was started on, or all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from supervisor.memory.fleet import GpuRoom
from supervisor.memory.wording import listed, places


@dataclass(frozen=True, slots=True)
class Pool:
    """The GPUs among which to choose; at least one."""

    gpus: tuple[GpuRoom, ...]
    told: bool = False
    """The operator named them."""
    mig: str = ""
    """UUID of the MIG device meant, on the one GPU of this pool."""


@dataclass(frozen=True, slots=True)
class Nowhere:
    """No GPU is what was named: why, and the way out."""

    reason: str
    help: str
    lasting: bool
    """It was named wrong; else it is gone and may come back."""


def pool_of(gpu: str, bound: tuple[str, ...] | None, gpus: Sequence[GpuRoom]) -> Pool | Nowhere:
    """The GPUs that count by the knob `gpu`, or by `bound` where that is given. Several names mean any of them."""
    if bound is not None:
        return _bound(bound, gpus)
    tokens = [token.strip() for token in gpu.split(",") if token.strip()]
    if [token.lower() for token in tokens] in ([], ["auto"]):
        return Pool(tuple(gpus))
    named: dict[str, GpuRoom] = {}
    for token in tokens:
        found = _mig(token, gpus) if token.lower().startswith("mig-") else _named(token, gpus)
        if isinstance(found, Nowhere):
            return found
        if found.mig and len(tokens) > 1:
            return Nowhere(
                f"`gpu = {gpu}` names a MIG device among others, and a process can use only one.",
                f"Set `gpu = {found.mig}` alone.",
                lasting=True,
            )
        if found.mig:
            return found
        named |= {one.uuid: one for one in found.gpus}
    return Pool(tuple(named.values()), told=True)


def _bound(bound: tuple[str, ...], gpus: Sequence[GpuRoom]) -> Pool | Nowhere:
    for uuid in bound:
        for one in gpus:
            if uuid in one.mig:
                return Pool((one,), mig=uuid)
    found = tuple(one for one in gpus if one.uuid in bound)
    if found:
        return Pool(found)
    return Nowhere(
        f"The GPU that its process was started on ({listed(bound)}) is gone.",
        "Restart the engine: a new process may go elsewhere.",
        lasting=False,
    )


def _named(token: str, gpus: Sequence[GpuRoom]) -> Pool | Nowhere:
    folded = token.rstrip("…").lower()
    # Three digits and more may be a part of a name, such as 3090; no box has so many GPUs.
    if folded.isdecimal() and len(folded) < 3:
        found = tuple(one for one in gpus if one.index == int(folded))
    elif folded.startswith("gpu-"):
        found = tuple(one for one in gpus if one.uuid.lower().startswith(folded))
        if len(found) > 1:
            return Nowhere(
                f"The UUIDs of {places(found)} begin with {token}.", "Write more of the one you mean.", lasting=True
            )
    else:
        found = tuple(one for one in gpus if folded in one.name.lower())
    return Pool(found, told=True) if found else _no_such(token, gpus)


def _mig(token: str, gpus: Sequence[GpuRoom]) -> Pool | Nowhere:
    folded = token.rstrip("…").lower()
    found = [(one, uuid) for one in gpus for uuid in one.mig if uuid.lower().startswith(folded)]
    match found:
        case []:
            return _no_such(token, gpus)
        case [(one, uuid)]:
            return Pool((one,), told=True, mig=uuid)
        case _:
            uuids = listed(uuid for _, uuid in found)
            return Nowhere(f"{uuids} begin with {token}.", "Write more of the one you mean.", lasting=True)


def _no_such(token: str, gpus: Sequence[GpuRoom]) -> Nowhere:
    here = listed(f"{one.index} ({one.name})" for one in gpus)
    what = f"GPU {token}" if token.isdecimal() else f"GPU like {token!r}"
    return Nowhere(f"There is no {what} here.", f"GPUs here: {here}. `auto` takes the best.", lasting=True)
