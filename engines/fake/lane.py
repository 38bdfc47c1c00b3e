"""One unit of the fake engine under way: a word whenever it is due, each line's habit in the midst of its answer."""

from __future__ import annotations

import time

from engines.contract import Flight, Report
from engines.fake import habits
from engines.fake.settings import FakeSettings
from engines.fake.unit import Result, requests, result_of
from engines.settings import with_changes
from ipc.errors import Problem
from ipc.work import UnitOrder


class Lane:
    """Raises RequestFailed where the order holds no unit."""

    def __init__(self, order: UnitOrder, settings: FakeSettings) -> None:
        self._order = order
        settings = self._settings = with_changes(settings, order.own, "the job")
        self._requests = requests(order.payload)
        self._answers = [request.words(settings.tokens_per_unit, order.take) for request in self._requests]
        self._words = len(self._requests) * settings.tokens_per_unit
        slowest = max(request.seconds(settings.seconds_per_unit) for request in self._requests)
        self._seconds_per_word = slowest / self._words
        self._start = time.monotonic()
        self._said = 0
        self._first: float | None = None

    @property
    def due(self) -> float:
        """When the next word is ready."""
        return self._start + (self._said + 1) * self._seconds_per_word

    def advance(self, flight: Flight, report: Report) -> bool:
        """Say the next word; whether more are to follow. Raises OutOfMemory."""
        line, word = divmod(self._said, self._settings.tokens_per_unit)
        if word == self._settings.tokens_per_unit // 2:
            if self._requests[line].habit == "fail":
                flight.failed(self._order, Problem("Cannot be done", "The unit asked to fail.", "Drop its habit."))
                return False
            habits.in_a_unit(self._requests[line].habit)
        seconds = time.monotonic() - self._start
        self._first = seconds if self._first is None else self._first
        if flight.stream:
            gap = " " if word else "\n" if line else ""
            flight.piece(self._order, gap + self._answers[line][word])
        report.tokens(1)
        self._said += 1
        if self._said < self._words:
            return True
        self._end(flight, seconds)
        return False

    def _end(self, flight: Flight, seconds: float) -> None:
        results = [
            Result(" ".join(words), len(words), len(request.prompt.split()), "stop")
            for request, words in zip(self._requests, self._answers, strict=True)
        ]
        size = self._settings.result_bytes if self._order.file else 0
        flight.done(
            self._order,
            result_of(results),
            tokens=self._words,
            seconds=seconds,
            ttft_seconds=self._first,
            audio_seconds=self._settings.audio_seconds or None,
            confidence=self._settings.confidence or None,
            data=self._requests[0].data(size) if size else None,
        )
