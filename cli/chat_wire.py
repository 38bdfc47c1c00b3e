"""The chat's connection: kept open in a loop of its own thread, because the main thread belongs to the keyboard."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from queue import Empty, SimpleQueue

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.from_thread import BlockingPortal, start_blocking_portal

from cli.session import Session
from ipc.background import background
from ipc.chat.asking import answer
from ipc.chat.conversation import Conversation
from ipc.client import Client, expect
from ipc.control import Engines, Ps
from ipc.errors import ConnectionFailed, EngineRoomError
from ipc.snapshot import EngineRow

LOOK_SECONDS = 0.4
"""How often the engine's state is looked at while nothing of the answer came."""


class Wire:
    """Called from the main thread. The connection is made again when it is next needed."""

    def __init__(self, portal: BlockingPortal, keep: _Kept) -> None:
        self._portal = portal
        self._kept = keep

    def rows(self) -> tuple[EngineRow, ...]:
        """All engines. Raises EngineRoomError."""
        return self._portal.call(self._kept.rows)

    def ask(self, engine: str, conversation: Conversation) -> Asking:
        """Begin to answer the open exchange of `conversation`."""
        return Asking(self._portal, self._kept, engine, conversation)


class Asking:
    """One answer on its way: `wait` for news of it until it is `over`; `stop` may be called from a signal handler."""

    def __init__(self, portal: BlockingPortal, kept: _Kept, engine: str, conversation: Conversation) -> None:
        self.row: EngineRow | None = None
        """The engine as last seen, while nothing of the answer came."""
        self._kept, self._engine, self._conversation = kept, engine, conversation
        self._news: SimpleQueue[None] = SimpleQueue()
        self._scope: anyio.CancelScope | None = None
        self._stop, self._stopping = False, False
        self._portal = portal
        self._task = portal.start_task_soon(self._run)
        self._task.add_done_callback(lambda _: self._tell())

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self._task.done()

    def wait(self, seconds: float) -> None:
        """Until there is news, at most so long. What went wrong in here, if anything did, is raised."""
        with suppress(Empty):
            self._news.get(timeout=seconds)
            while True:
                self._news.get_nowait()
        if self._stop and not self._stopping and not self.over:
            self._stopping = True
            self._portal.start_task_soon(self._cancel)
        if self.over:
            self._task.result()

    def stop(self) -> None:
        """End the answer where it is."""
        self._stop = True
        self._tell()

    def _tell(self) -> None:
        self._news.put(None)

    def _cancel(self) -> None:
        if self._scope is not None:
            self._scope.cancel()

    async def _run(self) -> None:
        with anyio.CancelScope() as self._scope:
            try:
                client = await self._kept.client()
            except EngineRoomError as error:
                self._conversation.fail(error.problem)
                return
            async with background(lambda: self._look(client)):
                await answer(client, self._engine, self._conversation, self._tell)
        self._conversation.stop()

    async def _look(self, client: Client) -> None:
        with suppress(EngineRoomError):  # the answer meets the same, and says it
            while (now := self._conversation.open) is not None and not now.answer:
                rows = expect(await client.ask(Ps()), Engines).rows
                self.row = next((row for row in rows if row.name == self._engine), None)
                await anyio.sleep(LOOK_SECONDS)


class _Kept:
    """Lives in the loop: one connection, opened when it is needed and held by a task of its own."""

    def __init__(self, session: Session, tasks: TaskGroup) -> None:
        self._session = session
        self._tasks = tasks
        self._client: Client | None = None
        self._leave = anyio.Event()

    async def client(self) -> Client:
        """A connection that answers. Raises EngineRoomError."""
        if self._client is not None:
            try:
                await self._client.ask(Ps())
                return self._client
            except ConnectionFailed:
                self._leave.set()
        self._client, self._leave = None, anyio.Event()
        self._client = await self._tasks.start(self._hold, self._leave)
        return self._client

    async def rows(self) -> tuple[EngineRow, ...]:
        """All engines. Raises EngineRoomError."""
        return expect(await (await self.client()).ask(Ps()), Engines).rows

    async def _hold(self, leave: anyio.Event, *, task_status: TaskStatus[Client]) -> None:
        async with self._session.connect() as client:
            task_status.started(client)
            await leave.wait()


@contextmanager
def wired(session: Session) -> Iterator[Wire]:
    """A wire for as long as the block lasts."""
    with start_blocking_portal() as portal:
        # Its children inherit that: ctrl+c, which the terminal sends to ssh as well, must not end the connection.
        portal.call(signal.pthread_sigmask, signal.SIG_BLOCK, [signal.SIGINT])
        keeping = portal.wrap_async_context_manager(_keeping(session))
        try:
            yield Wire(portal, keeping.__enter__())
        finally:
            keeping.__exit__(None, None, None)  # an error of the block is no error in there: it leaves as it is


@asynccontextmanager
async def _keeping(session: Session) -> AsyncGenerator[_Kept]:
    async with anyio.create_task_group() as tasks:
        yield _Kept(session, tasks)
        tasks.cancel_scope.cancel()
