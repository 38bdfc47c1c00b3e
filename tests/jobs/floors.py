"""A floor made of scripts: it notes what it is told, and its engines are what the test says."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engines.fake.settings import FakeSettings
from ipc import work
from ipc.snapshot import JobRow, Scalar, Severity
from supervisor.jobs.floor import EngineView


class ScriptedFloor:
    """Notes what the foreman commands; the test answers in the names of engines and desks."""

    def __init__(self, *engines: EngineView) -> None:
        self.engines = {engine.name: engine for engine in engines or (EngineView("writer", 2, False, True, True, ""),)}
        self.flown: list[tuple[str, work.Fly]] = []
        self.cancelled: list[tuple[str, int]] = []
        self.fed: list[tuple[str, work.Feed]] = []
        self.desk_messages: list[work.Plan | work.Assemble | work.Results] = []
        self.woken: list[str] = []
        self.condemned: list[tuple[str, str]] = []
        self.happenings: list[tuple[Severity, str, str, str]] = []
        self.told: list[JobRow] = []
        self.gone: list[str] = []
        self.joules: float | None = None
        self.hooks: list[tuple[JobRow, str]] = []
        self.kinds: dict[str, str] = {}
        """Of the engines that do other work than `fake`."""
        self._knobs: dict[str, dict[str, Scalar]] = {}

    def change(self, name: str, **changes: object) -> None:
        """The engine looks otherwise from now on."""
        self.engines[name] = msgspec.structs.replace(self.engines[name], **changes)

    def configure(self, name: str, **knobs: Scalar) -> None:
        """The engine has these settings from now on, and says how they divide a source."""
        self._knobs[name] = {**self._knobs.get(name, {}), **knobs}
        if "parallel" in knobs:
            self.change(name, parallel=knobs["parallel"])
        self.change(name, planning=msgspec.convert(self.settings_of(name), FakeSettings).planning())

    def engines_of(self, kind: str) -> tuple[EngineView, ...]:
        return tuple(engine for name, engine in self.engines.items() if self.kinds.get(name, "fake") == kind)

    def settings_of(self, engine: str) -> dict[str, Scalar]:
        knobs: Mapping[str, Scalar] = self._knobs.get(engine, {})
        return {"restarts_within": 60.0, "parallel": self.engines[engine].parallel, **knobs}

    def joules_of(self, engine: str) -> float | None:
        return self.joules

    def want_ready(self, engine: str) -> None:
        self.woken.append(engine)

    def fly(self, engine: str, message: work.Fly) -> None:
        assert self.engines[engine].free, f"{engine} is not free"
        self.flown.append((engine, message))

    def cancel(self, engine: str, flight: int) -> None:
        self.cancelled.append((engine, flight))

    def feed(self, engine: str, message: work.Feed) -> None:
        self.fed.append((engine, message))

    def to_desk(self, kind: str, message: work.Plan | work.Assemble | work.Results) -> None:
        self.desk_messages.append(message)

    def fail_engine(self, engine: str, cause: str) -> None:
        self.condemned.append((engine, cause))

    def happen(self, severity: Severity, about: str, word: str, text: str) -> None:
        self.happenings.append((severity, about, word, text))

    def job_changed(self, row: JobRow) -> None:
        self.told.append(row)

    def job_gone(self, id: str) -> None:  # noqa: A002 (the word of the protocol)
        self.gone.append(id)

    def run_on_done(self, row: JobRow, command: str) -> None:
        self.hooks.append((row, command))
