"""What a person does meanwhile: settings changed, jobs paused and resumed, failed engines started again."""

from __future__ import annotations

import anyio

from bench.chaos import phone
from bench.chaos.diary import Diary
from bench.chaos.eye import Eye
from bench.chaos.knobs import choose
from bench.room import Room
from ipc import control
from ipc.errors import ConnectionFailed, RequestFailed

CHANGE_SECONDS = 30.0
PAUSE_SECONDS = 0.7


class Operator:
    """Of one room."""

    def __init__(self, room: Room, eye: Eye, diary: Diary) -> None:
        self._room = room
        self._eye = eye
        self._diary = diary

    async def change(self, pick: int) -> None:
        """One setting of one engine. That it was refused is noted: it may have died of a blow while it changed."""
        engines = sorted(self._eye.engines.items())
        if not engines:
            return
        name, row = engines[pick % len(engines)]
        knob, value = choose(row.kind, pick)
        with anyio.move_on_after(CHANGE_SECONDS) as waited:
            wish = control.SetKnobs(name, {knob: value}, dry_run=False)
            try:
                await phone.ask(self._room, wish, control.Price)
            except RequestFailed as refused:
                self._diary.did("setting refused", name, knob=knob, value=value, why=str(refused))
            else:
                self._diary.did("change a setting", name, knob=knob, value=value)
        if waited.cancelled_caught:
            self._diary.did("setting not answered", name, knob=knob, value=value)

    async def pause(self, pick: int) -> None:
        """One job, for a moment."""
        jobs = self._eye.unfinished
        if not jobs:
            return
        job = jobs[pick % len(jobs)]
        try:
            await phone.ask(self._room, control.PauseJob(job), control.JobIs)
            self._diary.did("pause a job", job)
            await anyio.sleep(PAUSE_SECONDS)
            await phone.ask(self._room, control.ResumeJob(job), control.JobIs)
        except RequestFailed:
            return  # it ended before

    async def mend(self) -> None:
        """Start whatever failed, until cancelled."""
        while True:
            await self._eye.until(lambda: bool(self._eye.failed()), float("inf"))
            for engine in self._eye.failed():
                self._diary.breaks(f"{engine} ended as failed: {self._eye.engines[engine].state}")
                try:
                    await phone.ask(self._room, control.Start(engine), control.Done)
                except (RequestFailed, ConnectionFailed) as error:
                    self._diary.note("not started", whom=engine, why=str(error))

    async def resume_all(self) -> None:
        """Nothing stays paused."""
        rows = (await phone.ask(self._room, control.Jobs(), control.JobList)).rows
        for row in rows:
            if row.state == "paused":
                try:
                    await phone.ask(self._room, control.ResumeJob(row.id), control.JobIs)
                except RequestFailed:
                    continue  # it ended just now
