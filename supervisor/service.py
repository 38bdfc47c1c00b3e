"""Every command of the control vocabulary, answered: a match, a wish to the room, the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import assert_never

from ipc import control
from ipc.feeding import Fed
from ipc.snapshot import Happened, Happening, Snapshot, Update
from supervisor.room import Room


class ControlService:
    """What `ipc.serving` serves to each client."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def answer(self, command: control.OneAnswer) -> control.Answer:
        """The one answer to a command.

        Raises:
            RequestFailed: the wish cannot be granted; its problem says why and what to do.
        """
        room = self._room
        match command:
            case control.Status():
                return control.Self(room.supervisor_row())
            case control.Down():
                return control.Done(await room.shut_down("a client asked for it"))
            case control.Ps():
                return control.Engines(room.engine_rows(), room.pool_rows())
            case control.Start(engine) | control.Load(engine):
                return control.Done(await room.wishes.ready(engine))
            case control.Unload(engine):
                return control.Done(await room.wishes.cold(engine))
            case control.Stop(engine):
                return control.Done(await room.wishes.stopped(engine))
            case control.Restart(engine):
                return control.Done(await room.wishes.restarted(engine))
            case control.SetKnobs(engine, changes, dry_run):
                return await room.wishes.set(engine, changes, dry_run=dry_run)
            case control.Quote(engine):
                return await room.wishes.quote(engine)
            case control.ShowLedger():
                return control.LedgerIs(room.snapshot().ledger)
            case control.Footprints():
                return control.FootprintList(room.footprints.rows())
            case control.Builds():
                return control.BuildList(await room.judge.builds())
            case control.ShowKnobs(engine):
                return control.Knobs(room.wishes.knobs(engine))
            case control.Record(path):
                return control.Done(room.recordings.begin(path))
            case control.StopRecording():
                return control.Done(room.recordings.end())
            case _:
                return await self._answer_about_jobs(command)

    async def _answer_about_jobs(self, command: control.AboutJobs) -> control.Answer:
        foreman = self._room.foreman
        match command:
            case control.Jobs():
                return control.JobList(foreman.listed())
            case control.ShowJob(id_):
                return control.JobWhole(await foreman.detail(id_))
            case control.ShowUnits():
                return await foreman.units(command)
            case control.Spool():
                return control.Spooled(await foreman.submitting.keep(command))
            case control.Submit():
                return control.JobIs(await foreman.submitting.submit(command))
            case control.ClearJobs():
                return await foreman.clearing.clear(command)
            case _:
                return control.JobIs(await foreman.steer(command))

    def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        """The items of a streaming command, until its end or the client's cancel; what is fed goes to who is asked."""
        match command:
            case control.Watch():
                return self._watch()
            case control.Events(last, follow):
                return self._events(last, follow)
            case control.Logs(engine, lines, follow):
                return self._logs(engine, lines, follow)
            case control.Ask(engine, payload):
                return self._room.foreman.answering.ask(engine, payload, fed)
            case _:
                assert_never(command)

    async def _watch(self) -> AsyncIterator[control.Item]:
        with self._room.board.watching() as watcher:
            async for update in watcher.updates(self._room.snapshot):
                yield control.UpdateItem(update)

    async def _events(self, last: int, follow: bool) -> AsyncIterator[control.Item]:
        board = self._room.board
        with board.watching() as watcher:
            for happening in board.last(last):
                yield control.EventItem(happening)
            if not follow:
                return
            seen = board.last_sequence
            async for update in watcher.updates(self._room.snapshot):
                for happening in _new_happenings(update, seen):
                    seen = happening.sequence
                    yield control.EventItem(happening)

    async def _logs(self, engine: str, lines: int, follow: bool) -> AsyncIterator[control.Item]:
        log = self._room.wishes.slot(engine).log
        if not follow:
            yield control.LogLines(log.tail(lines))
            return
        async for batch in log.follow(lines):
            yield control.LogLines(batch)


def _new_happenings(update: Update, seen: int) -> tuple[Happening, ...]:
    match update:
        case Happened(happening):
            return (happening,) if happening.sequence > seen else ()
        case Snapshot():
            return tuple(happening for happening in update.happenings if happening.sequence > seen)
        case _:
            return ()
