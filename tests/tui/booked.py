"""The box of `scenery` with a ledger: claims, strangers, bytes that did not come back, heat, and what was chosen."""

from __future__ import annotations

from msgspec.structs import replace
from scenery import EIGHT, ENGINES, FLEET, GIB, GPUS, HAPPENINGS, NOW, engine, gpu, held, snapshot, tick

from ipc import states
from ipc.control import Price
from ipc.snapshot import Alarm, GpuBook, GpuReading, Happening, HostBook, Ledger, Share, Snapshot, Stranger, Tick


def share(name: str, measured: float | None, claimed: float, **marks: bool) -> Share:
    """In GiB; `measured` is None where the card does not tell."""
    known = None if measured is None else int(measured * GIB)
    return Share(
        *(name, known, int(claimed * GIB)),
        estimated=marks.get("estimated", False),
        by_difference=marks.get("by_difference", False),
    )


def book(reading: GpuReading, *shares: Share, **other: object) -> GpuBook:
    """The book of a GPU with these shares; a low pressure and plain values everywhere else."""
    total, used = reading.memory_total_bytes, reading.memory_used_bytes
    ours = sum(one.measured_bytes or 0 for one in shares)
    promised = sum(max(one.measured_bytes or 0, one.claimed_bytes) for one in shares)
    reserve = GIB + (reading.memory_reserved_bytes or 0)
    others = None if used is None else max(0, used - ours)
    values: dict[str, object] = {
        **{"index": reading.index, "uuid": reading.uuid, "total_bytes": total, "reserve_bytes": reserve},
        "shares": shares,
        "strangers": tuple(
            Stranger(one.pid, one.name, one.used_bytes)
            for one in reading.processes
            if not one.engine and one.used_bytes
        ),
        "others_bytes": others,
        **{"withheld_bytes": 0, "withheld_why": ""},
        "free_bytes": None if total is None or others is None else total - reserve - others - promised,
        **{"pressure": "low", "hold": "", "residents": len(shares), "residents_limit": 5},
    }
    return GpuBook(**{**values, **other})  # type: ignore[arg-type]


CARDS = (
    GPUS[0],
    gpu(
        *(1, "NVIDIA GeForce RTX 3090", 23.7, 8.1, 92.0),
        power_watts=338.0,
        utilisation_percent=0.0,
        compute_capability="8.6",
        display_active=True,
        persistence=False,
        throttle=("software thermal slowdown",),
        processes=(held(4106, 5.2, "ear-medium"), held(4107, 1.1, "ear-small"), held(901, 0.3, name="Xorg")),
    ),
)
BOOKS = (
    book(
        CARDS[0],
        *(share("writer", 38.4, 38.4), share("scratch", 18.1, 18.1), share("reader", None, 6.0, estimated=True)),
        pressure="high",
    ),
    book(
        CARDS[1],
        *(share("ear-medium", 5.2, 6.4), share("ear-small", 1.1, 1.1)),
        withheld_bytes=int(1.5 * GIB),
        withheld_why="did not come back 14:13",
        hold="heat: 92 °C, resumes at 82",
    ),
)
HOST = HostBook(
    *(32 * GIB, 2 * GIB, (share("writer", 2.1, 2.4), share("reader", 0.9, 3.0, estimated=True)), 9 * GIB),
    *(int(15.6 * GIB), "high", 16, {"writer": 8, "reader": 4}),
)
ALARMS = (
    Alarm(
        *("gpu 1", "heat", "error", NOW - 23),
        "GPU 1 is 92 °C: no flight begins there until 82; it runs slower: software thermal slowdown",
        "look at its fan and its neighbours",
    ),
    Alarm(
        *("ear-large", "leak", "error", NOW - 55),
        "1.5 GiB on GPU 1 did not come back after ear-large was unloaded: held by pid 4488 (1.2 GiB), nobody that can"
        " be seen (307 MiB)",
        "end that process; if there is none, reset the GPU",
    ),
    Alarm(
        *("scratch", "thrash", "warning", NOW - 12, "scratch and poet swapped 14 times in 10 min, 9 min lost"),
        "pin one, give them different GPUs, or raise min_residency",
    ),
    Alarm(
        *("supervisor", "pressure", "warning", NOW - 8, "the host's memory is under high pressure"),
        "close what is not needed",
    ),
)
LEDGER = Ledger(BOOKS, HOST, ALARMS)

ROWS = (
    replace(ENGINES[0], pinned=True, unload_after_seconds=300.0, chosen="q8"),
    replace(ENGINES[1], gpus=(0,), unload_after_seconds=300.0, chosen="f16 · 20 of 33 layers"),
    replace(ENGINES[2], gpus=(0,), unload_after_seconds=90.0, unload_depth="model", chosen="q4 · 33 of 33 layers"),
    replace(ENGINES[3], unload_after_seconds=600.0),
    engine(
        *("ear-medium", states.Ready(4106, 5 * GIB, 0)),
        model="whisper-medium",
        quantization="int8",
        gpus=(1,),
        rss_bytes=int(1.2 * GIB),
        hold="heat: GPU 1: 92 °C, resumes at 82",
        unload_after_seconds=600.0,
    ),
    engine(
        *("giant", states.Stopped("no room")),
        model="llama-70b.gguf",
        quantization="q4",
        hold="memory: 3.9 GiB short on GPU 0; writer is pinned",
    ),
    engine("poet", states.Stopped("no room"), model="poems-7b.gguf", note="made room for reader: idle 10 m"),
    *ENGINES[5:],
)
NEWS = (
    *HAPPENINGS,
    Happening(5, NOW - 2, "warning", "gpu 1", "held", "GPU 1 held: 92 °C, limit 88; ear-medium waits"),
)
EIGHT_BOOKS = tuple(
    book(
        one, share("writer", 2.0, 4.0, by_difference=True), hold="heat: 82 °C, resumes at 72" if one.index == 6 else ""
    )
    for one in EIGHT
)

DEAR = Price(
    "parallel 4 → 6: 2 units to finish, the context is rebuilt, weights stay, needs ~7.8 GiB more (4.2 GiB free),"
    " unloads ear-small (frees 1.1 GiB), vectors (frees 2.7 GiB)",
    *(2, None, False, int(7.8 * GIB), ("ear-small", "vectors")),
)


def booked(gpus: tuple[GpuReading, ...] = CARDS, ledger: Ledger = LEDGER) -> Snapshot:
    """All of it."""
    return replace(snapshot(gpus, FLEET), engines=ROWS, happenings=NEWS, ledger=ledger)


def booked_tick(second: int, gpus: tuple[GpuReading, ...] = CARDS, ledger: Ledger = LEDGER) -> Tick:
    """So many seconds later."""
    return replace(tick(second, gpus, FLEET), ledger=ledger)
