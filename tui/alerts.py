"""What is wrong right now: what, since when, why, and the key that helps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ipc import states
from ipc.snapshot import Alarm, EngineRow, GpuReading, JobRow
from tui import job_alerts
from tui.alert import Alert
from tui.gpus import WARM_CELSIUS, heat
from tui.ledger import hold_cause
from tui.store import Store


class Standing:
    """The alerts of a store, worked out once for each of its changes and not for each key."""

    def __init__(self) -> None:
        self._found_for = -1
        self._alerts: tuple[Alert, ...] = ()

    def of(self, store: Store) -> tuple[Alert, ...]:
        """As they stand now."""
        if self._found_for != store.version:
            self._found_for, self._alerts = store.version, alerts(store)
        return self._alerts


def alerts(store: Store) -> tuple[Alert, ...]:
    """The graver first; GPUs before engines, engines before jobs."""
    troubled = _troubled(store)
    alarms = sorted(store.ledger.alarms, key=lambda one: one.about in store.engines)
    found = [
        *(_of_silence(reading) for reading in store.gpus if reading.stale),
        *(_of_heat(reading, store.gpu_past.warm[reading.index]) for reading in store.gpus if _warm(reading, store)),
        *(_of_alarm(one, troubled, store) for one in alarms),
        *(_of_engine(row, store.since(row.name)) for row in store.engines.values()),
        *job_alerts.of_jobs(store, [row for row in troubled if not _too_hot(row, store)]),
    ]
    return tuple(sorted((alert for alert in found if alert), key=lambda alert: alert.grave != "bad"))


def _troubled(store: Store) -> list[JobRow]:
    """In the order in which they are listed."""
    return [store.jobs[one] for one in store.order.in_order(store.troubled)]


def _warm(reading: GpuReading, store: Store) -> bool:
    """Whether the readings alone raise it: the ledger knows more of heat, so its alarm goes before."""
    told = any(alarm.word == "heat" and alarm.about == f"gpu {reading.index}" for alarm in store.ledger.alarms)
    return not told and not reading.stale and reading.index in store.gpu_past.warm


def _too_hot(row: JobRow, store: Store) -> list[EngineRow]:
    """The engines of a job that only heat holds, where the alarms about their GPUs say so already; else none."""
    if row.state != "held":
        return []
    told = {alarm.about for alarm in store.ledger.alarms if alarm.word == "heat"}
    serving = [store.engines[name] for name in row.engine.split(", ") if name in store.engines]
    hot = [one for one in serving if hold_cause(one.hold) == "heat" and told.intersection(_gpus(one))]
    return hot if hot == serving else []


def _waiting(alarm: Alarm, troubled: Sequence[JobRow], store: Store) -> str:
    """`; voice and writer wait`: whose work this heat holds."""
    engines = [one for row in troubled for one in _too_hot(row, store)]
    names = sorted({one.name for one in engines if alarm.about in _gpus(one)})
    return f"; {' and '.join(names)} wait{'s' if len(names) == 1 else ''}" if names else ""


def _gpus(row: EngineRow) -> list[str]:
    return [f"gpu {index}" for index in row.gpus]


def _of_alarm(alarm: Alarm, troubled: Sequence[JobRow], store: Store) -> Alert:
    """Its sentence begins with what is wrong; what follows a colon says why."""
    grave: Literal["warn", "bad"] = "bad" if alarm.severity == "error" else "warn"
    what, _, why = alarm.text.partition(": ")
    known = alarm.about == "supervisor" or alarm.about.lower() in what.lower()
    why += _waiting(alarm, troubled, store) if alarm.word == "heat" else ""
    return Alert(alarm.about, grave, what if known else f"{alarm.about}: {what}", alarm.since_unix, why, alarm.help)


def _of_silence(reading: GpuReading) -> Alert:
    engines = sorted({process.engine for process in reading.processes if process.engine})
    why = f"{reading.problem} {', '.join(engines)} worked there." if engines else reading.problem
    name = f"GPU {reading.index}"
    return Alert(f"gpu {reading.index}", "bad", f"{name} gives no readings", reading.unix, why, "d shows more")


def _of_heat(reading: GpuReading, since: float | None) -> Alert:
    degrees = reading.temperature_celsius
    what = f"GPU {reading.index} is " + ("too hot" if degrees is None else f"{degrees:.0f} °C")
    grave: Literal["warn", "bad"] = "bad" if heat(reading) == "hot" else "warn"
    help_ = "p pauses a job, d shows who works there"
    return Alert(f"gpu {reading.index}", grave, what, since, _heat_reason(reading), help_)


def _heat_reason(reading: GpuReading) -> str:
    slowed = [reason for reason in reading.throttle if "thermal" in reason]
    if slowed:
        return f"it runs slower: {', '.join(slowed)}"
    if reading.slowdown_celsius is None:
        return f"warm from {WARM_CELSIUS:.0f} °C on"
    return f"it slows itself down at {reading.slowdown_celsius:.0f} °C"


def _of_engine(row: EngineRow, since: float | None) -> Alert | None:
    match row.state:
        case states.Failed(cause):
            return Alert(row.name, "bad", f"{row.name} failed", since, cause, "s starts it, l shows its log")
        case states.Backoff(attempt, _, cause) if attempt > 1:
            return Alert(row.name, "warn", f"{row.name} died {attempt} times", since, cause, "l shows its log")
        case states.Stopping(_, "kill", why):
            return Alert(row.name, "warn", f"{row.name} would not stop", since, why, "l shows its log")
        case _:
            return None
