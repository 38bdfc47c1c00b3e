"""The thread of one GPU: asks it at its own pace and publishes a frozen reading by one attribute write.

A GPU that blocks, blocks this thread alone. Nobody ever waits for the thread: it is a daemon, and a call that hangs in
the driver must not keep the supervisor from ending.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from msgspec.structs import replace

from ipc.snapshot import GpuReading
from supervisor.gpus.answers import UNINITIALIZED, Failure, NotSupported
from supervisor.gpus.card import MEMORY_TEMPERATURE, PCIE_RX, PCIE_TX, Card
from supervisor.gpus.counter import Counter
from supervisor.gpus.nvml import Nvml
from supervisor.gpus.round import CardLost, Round


@dataclass(frozen=True)
class Pace:
    """How often the driver is asked."""

    seconds: float = 1.0
    """Between rounds of questions to one card."""
    slow_every: int = 5
    """In which rounds the slow values are read, too."""
    look_again_seconds: float = 10.0
    """Between looks for a driver or a GPU that was not there."""
    lead_seconds: float = 0.15
    """How long before the whole second a round begins: the loop reads at the whole second."""
    hurried_seconds: float = 0.1
    """Between rounds while somebody waits for memory to come back."""


@dataclass(frozen=True, slots=True)
class Latest:
    """What a card last told, and the monotonic time at which it did, or was first asked."""

    reading: GpuReading
    monotonic: float


class Sampler:
    """`latest` is the newest; the thread writes it, anyone may read it."""

    def __init__(self, nvml: Nvml, index: int, pace: Pace) -> None:
        self.index = index
        self.latest = Latest(blank(index, time.time()), time.monotonic())
        self.answered = False
        """Whether the card has told its values, or why it does not, at least once."""
        self._nvml = nvml
        self._pace = pace
        self._over = threading.Event()
        self._wake = threading.Event()
        self._hurry_until = 0.0
        self._tx, self._rx = Counter(), Counter()
        self._slow_problem = ""

    def start(self) -> None:
        """Begin to ask."""
        threading.Thread(target=self._live, name=f"gpu-{self.index}", daemon=True).start()

    def close(self) -> None:
        """Let the thread end when the card answers."""
        self._over.set()
        self._wake.set()

    def hurry(self, until: float) -> None:
        """Ask at once, and often until that moment on the monotonic clock."""
        self._hurry_until = until
        self._wake.set()

    def _live(self) -> None:
        card: Card | None = None
        rounds = 0
        while not self._over.is_set():
            try:
                if card is None:
                    card, rounds = self._open(), 0
                slow = self._slow(card) if rounds % self._pace.slow_every == 0 else self.latest.reading
                quick = self._quick(card, slow)
                self.latest = Latest(replace(quick, unix=time.time(), stale=False), time.monotonic())
            except CardLost as lost:
                card = None
                self._tell(stale=True, problem=f"It is lost: {lost.failure.text}.")
                if lost.failure.code == UNINITIALIZED:
                    self._nvml.initialise()
            self.answered = True
            rounds += 1
            self._wake.wait(self._pause())
            self._wake.clear()

    def _pause(self) -> float:
        pace = self._pace
        if time.monotonic() < self._hurry_until:
            return pace.hurried_seconds
        return pace.seconds - (time.time() + pace.lead_seconds) % pace.seconds

    def _open(self) -> Card:
        handle = self._nvml.handle(self.index, self.latest.reading.uuid)
        if isinstance(handle, Failure):
            raise CardLost(handle)
        if isinstance(handle, NotSupported):
            raise CardLost(Failure(0, "the driver does not let this user in"))
        card, told = Card(self._nvml, handle), Round()
        self._tell(
            uuid=told.take("UUID", card.uuid()) or "",
            name=told.take("name", card.name()) or "",
            compute_capability=told.take("compute capability", card.compute_capability()) or "",
        )
        return card

    def _tell(self, **changes: object) -> None:
        """Publish what is known without a round of answers."""
        self.latest = Latest(replace(self.latest.reading, **changes), self.latest.monotonic)

    def _slow(self, card: Card) -> GpuReading:
        told, now = Round(), time.monotonic()
        temperature, tx, rx = card.fields(MEMORY_TEMPERATURE, PCIE_TX, PCIE_RX)
        reading = replace(
            self.latest.reading,
            memory_temperature_celsius=told.take("memory temperature", temperature),
            pcie_tx_bytes_per_second=self._tx.per_second(told.take("PCIe counter", tx), now),
            pcie_rx_bytes_per_second=self._rx.per_second(told.take("PCIe counter", rx), now),
            slowdown_celsius=told.take("slowdown threshold", card.slowdown_celsius()),
            power_limit_watts=told.take("power limit", card.power_limit_watts()),
            fan_percent=told.take("fan", card.fan_percent()),
            ecc_uncorrected=told.take("ECC counter", card.ecc_uncorrected()),
            display_active=told.take("display", card.display_active()),
            mig=told.take("MIG mode", card.mig()) or (),
            persistence=told.take("persistence mode", card.persistence()),
        )
        self._slow_problem = told.problem()
        return reading

    def _quick(self, card: Card, reading: GpuReading) -> GpuReading:
        told = Round()
        memory = told.take("memory", card.memory())
        processes = told.take("list of processes", card.processes()) or ()
        utilisation, memory_utilisation = told.take("utilisation", card.utilisation()) or (None, None)
        sizes = [one.used_bytes for one in processes if one.used_bytes is not None]
        reading = replace(
            reading,
            # A card does not change its size: what one failed call does not tell is still true.
            memory_total_bytes=memory.total if memory else reading.memory_total_bytes,
            # Boards that share the host's memory tell only what each process has.
            memory_used_bytes=memory.used if memory else sum(sizes) if sizes else None,
            memory_reserved_bytes=memory and memory.reserved,
            processes=processes,
            utilisation_percent=utilisation,
            memory_utilisation_percent=memory_utilisation,
            temperature_celsius=told.take("temperature", card.temperature_celsius()),
            power_watts=told.take("power", card.power_watts()),
            energy_joules=told.take("energy counter", card.energy_joules()),
            sm_clock_mhz=told.take("clock", card.sm_clock_mhz()),
            memory_clock_mhz=told.take("memory clock", card.memory_clock_mhz()),
            throttle=told.take("throttle reasons", card.throttle()) or (),
            problem=told.problem() or self._slow_problem,
        )
        told.check()
        return reading


def blank(index: int, unix: float) -> GpuReading:
    """A GPU of which nothing is known yet; `unix` is when it was first asked."""
    return GpuReading(
        index=index,
        uuid="",
        name="",
        unix=unix,
        stale=False,
        problem="",
        memory_total_bytes=None,
        memory_used_bytes=None,
        memory_reserved_bytes=None,
        utilisation_percent=None,
        memory_utilisation_percent=None,
        temperature_celsius=None,
        memory_temperature_celsius=None,
        slowdown_celsius=None,
        power_watts=None,
        power_limit_watts=None,
        energy_joules=None,
        sm_clock_mhz=None,
        memory_clock_mhz=None,
        fan_percent=None,
        throttle=(),
        pcie_tx_bytes_per_second=None,
        pcie_rx_bytes_per_second=None,
        ecc_uncorrected=None,
        compute_capability="",
        display_active=None,
        mig=(),
        processes=(),
    )
