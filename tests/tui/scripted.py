"""A scripted supervisor over a real socket: it answers from `scenery`, and remembers what it was asked.

As a program (`python tests/tui/scripted.py SOCKET [GPUS]`) it serves until it is killed, for a terminal to look at;
`jobs` in place of the number of GPUs serves the box of `worked`, a number behind that so many jobs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import msgspec
import scenery
import worked
from textual.pilot import Pilot
from textual.screen import Screen

from ipc import control
from ipc.client import Client, connect_unix
from ipc.errors import EngineRoomError, Problem, RequestFailed
from ipc.feeding import Fed
from ipc.serving import serve
from ipc.snapshot import EngineChanged, GpuReading, Happened, Happening, JobChanged, JobGone, LogLine, Update
from tui.app import Dashboard
from tui.bridge import Bridge
from tui.context import Context


class Box:
    """The service. `refuse` names engines whose commands fail; `price` is what every change costs, if not the usual.

    Of each job it tells `detail`, with so many `units`. What changes a job changes it. Engines say the next of
    `speeches`; `cut_short` counts those that nobody wanted to hear to the end.
    """

    def __init__(self) -> None:
        self.asked: list[control.Command] = []
        self.refuse: set[str] = set()
        self.price: control.Price | None = None
        self.sessions: list[anyio.CancelScope] = []
        self.snapshot = scenery.snapshot()
        self.detail = scenery.DETAIL
        self.units = 0
        self.last_copies: set[str] = set()
        self.speeches: list[Sequence[str | anyio.Event | EngineRoomError]] = []
        self.cut_short = 0
        self._watchers: list[list[Update]] = []
        self._news = anyio.Event()

    def publish(self, update: Update) -> None:
        """To everyone who watches."""
        for queue in self._watchers:
            queue.append(update)
        self._wake()

    def hang_up(self) -> None:
        """End every connection, as a supervisor that dies does."""
        for scope in self.sessions:
            scope.cancel()

    async def until_asked(self, wanted: Callable[[control.Command], bool]) -> control.Command:
        """The first command that fits, as soon as it comes."""
        with anyio.fail_after(10):
            while True:
                for command in self.asked:
                    if wanted(command):
                        return command
                await self._news.wait()

    async def answer(self, command: control.OneAnswer) -> control.Answer:
        """What a supervisor would say."""
        self._note(command)
        if getattr(command, "engine", "") in self.refuse:
            raise RequestFailed(Problem("Cannot do that", "The engine [b]refuses[/b].", "Look at its log."))
        match command:
            case control.ShowKnobs():
                return control.Knobs(scenery.KNOBS)
            case control.SetKnobs(engine, changes, dry_run):
                if self.price:
                    return msgspec.structs.replace(self.price, applied=not dry_run)
                said = ", ".join(f"{name} → {value}" for name, value in changes.items())
                return control.Price(f"{engine}: {said}: 2 units to finish, reload ~21 s", 2, 21.0, not dry_run)
            case control.ShowJob():
                return control.JobWhole(self.detail)
            case control.ShowUnits(_, after, limit, _):
                end = min(self.units, after + 1 + limit)
                return control.UnitPage(tuple(map(worked.unit, range(after + 1, end))), end == self.units)
            case control.Submit():
                return control.JobIs(self.snapshot.jobs[0])
            case control.PrioritizeJob(id, priority):
                return self._changed(id, priority=priority)
            case control.MoveJob(id, engine):
                return self._changed(id, engine=engine)
            case control.ReleaseJob(id):
                return self._changed(id, after=())
            case control.RetryJob(id):
                return self._changed(id, state="running", units_failed=0, finished_unix=None)
            case control.PauseJob(id) | control.ResumeJob(id) | control.CancelJob(id) | control.RedoUnits(id):
                return self._changed(id)
            case control.ClearJobs(ids):
                return self._cleared(ids)
            case _:
                return control.Done("It is so.")

    async def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        """A watch, a log or the events."""
        self._note(command)
        match command:
            case control.Watch():
                queue: list[Update] = [self.snapshot]
                self._watchers.append(queue)
                try:
                    while True:
                        while queue:
                            yield control.UpdateItem(queue.pop(0))
                        await self._news.wait()
                finally:
                    self._watchers.remove(queue)
            case control.Logs(engine, _, _):
                texts = [f"{engine}: line {n}" for n in range(1, 40)] + ["\x1b[31mred\x1b[0m \x00 tail " + "long " * 60]
                at = scenery.NOW
                yield control.LogLines(tuple(LogLine(n, at, "stderr", text) for n, text in enumerate(texts, 1)))
                await anyio.sleep_forever()
            case control.Events():
                for happening in self.snapshot.happenings:
                    yield control.EventItem(happening)
                await anyio.sleep_forever()
            case control.Ask():
                async for said in self._speak():
                    yield said

    async def _speak(self) -> AsyncIterator[control.Item]:
        """The next of `speeches`: pieces, what to wait for, an error; whole unless that ends it."""
        text, whole = "", False
        try:
            for part in self.speeches.pop(0) if self.speeches else ("So ", "it is."):
                match part:
                    case str():
                        text += part
                        yield control.Piece(part)
                    case anyio.Event():
                        await part.wait()
                    case EngineRoomError():
                        whole = True
                        raise part
            whole = True
            result = json.dumps({"answer": text, "tokens": 7, "prompt_tokens": 9, "finish": "stop"})
            yield control.Answered(result, 7, 0.035, 0.004)
        finally:
            self.cut_short += not whole
            self._wake()

    def _changed(self, id: str, **fields: object) -> control.JobIs:  # noqa: A002 (the protocol's word)
        before = next(row for row in self.snapshot.jobs if row.id == id)
        row = msgspec.structs.replace(before, **fields)
        jobs = tuple(row if one is before else one for one in self.snapshot.jobs)
        self.snapshot = msgspec.structs.replace(self.snapshot, jobs=jobs)
        self.publish(JobChanged(row))
        return control.JobIs(row)

    def _cleared(self, ids: tuple[str, ...]) -> control.Cleared:
        """All but those whose output is no longer in its place."""
        named = [row for row in self.snapshot.jobs if row.id in ids]
        gone = [row for row in named if row.id not in self.last_copies]
        left = tuple(row for row in self.snapshot.jobs if row not in gone)
        self.snapshot = msgspec.structs.replace(self.snapshot, jobs=left)
        for row in gone:
            self.publish(JobGone(row.id))
        why = Problem("Last copy", "Its output is gone.", "Take the results out first.")
        kept = tuple((row.id, why) for row in named if row not in gone)
        return control.Cleared(tuple(row.id for row in gone), sum(row.result_bytes for row in gone), kept)

    def _note(self, command: control.Command) -> None:
        self.asked.append(command)
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = anyio.Event()


@asynccontextmanager
async def serving(box: Box, path: Path) -> AsyncGenerator[None]:
    """Serve `box` at the socket `path`; leaving hangs up on everybody."""
    await anyio.Path(path).unlink(missing_ok=True)
    listener = await anyio.create_unix_listener(path)
    async with listener, anyio.create_task_group() as group:

        async def one(stream: anyio.abc.SocketStream) -> None:
            with anyio.CancelScope() as scope:
                box.sessions.append(scope)
                await serve(stream, box)

        group.start_soon(listener.serve, one)
        try:
            yield
        finally:
            group.cancel_scope.cancel()


def connecting(path: Path) -> Callable[[], AbstractAsyncContextManager[Client]]:
    """What `run_dashboard` and `Bridge` want."""
    return lambda: connect_unix(path)


def text_of(screen: Screen[Any], part: str) -> str:
    """What the widget `part` of a screen shows; empty while there is none."""
    widgets = screen.query(f"#{part}")
    return "\n".join(widget.render_line(y).text for widget in widgets for y in range(widget.size.height))


@dataclass
class Looking:
    """A dashboard under a pilot, and the box it looks at."""

    box: Box
    app: Dashboard
    pilot: Pilot[None]

    async def press(self, *keys: str) -> None:
        """Press keys, and let the app settle."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def text(self, part: str) -> str:
        """What the widget `part` of the topmost screen shows."""
        return text_of(self.app.screen, part)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the app work until `holds`."""
        with anyio.fail_after(10):
            while not holds():
                await self.pilot.pause(0.01)

    async def asked(self, command: control.Command) -> None:
        """Wait until the box was asked exactly this."""
        await self.box.until_asked(lambda seen: seen == command)


@asynccontextmanager
async def looking(
    folder: Path, size: tuple[int, int] = (120, 34), readonly: bool = False, box: Box | None = None
) -> AsyncGenerator[Looking]:
    """A dashboard attached over a real socket, drawn without a terminal."""
    seen = box or Box()
    path = folder / "socket"
    async with serving(seen, path):
        bridge = Bridge(connecting(path))
        async with bridge.running() as store:
            app = Dashboard(Context(store, bridge, readonly))
            bridge.publish_to(app.publish)
            async with app.run_test(size=size) as pilot:
                yield Looking(seen, app, pilot)


def worked_box(jobs: int = 0) -> Box:
    """The box of `worked`, or with so many jobs."""
    box = Box()
    box.snapshot = worked.worked(worked.many(jobs)) if jobs else worked.worked()
    box.detail, box.units = worked.DETAIL, 1300
    return box


async def _serve_forever(path: Path, box: Box, cards: tuple[GpuReading, ...]) -> None:
    async with serving(box, path):
        for second in range(1, 1_000_000):
            await anyio.sleep(1)
            box.publish(scenery.tick(second, cards, box.snapshot.fleet))
            row = scenery.ENGINES[0]
            rate = 180.0 + 60 * (second * 7 % 11) / 11
            box.publish(EngineChanged(msgspec.structs.replace(row, tokens_per_second=rate)))
            if second % 5 == 0:
                text = f"writer finished flight {second}"
                box.publish(Happened(Happening(10 + second, scenery.NOW + second, "info", "writer", "flight", text)))


def _told(arguments: list[str]) -> tuple[Box, tuple[GpuReading, ...]]:
    """The box and its cards that the command line asks for."""
    if arguments[:1] == ["jobs"]:
        return worked_box(int(arguments[1]) if len(arguments) > 1 else 0), scenery.GPUS
    box, cards = Box(), scenery.EIGHT[: int(arguments[0]) if arguments else 0]
    box.snapshot = scenery.snapshot(cards, scenery.FLEET if cards else scenery.NO_DRIVER)
    return box, cards


if __name__ == "__main__":
    import sys

    anyio.run(_serve_forever, Path(sys.argv[1]), *_told(sys.argv[2:]))
