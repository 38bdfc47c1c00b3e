"""Which supervisor a command speaks to, and how it gets there."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import anyio

from cli import launch, say, unit_text
from cli.service import Service, service_of
from cli.service_start import start_service
from config.load import find_file
from config.paths import socket_path, state_folder
from ipc import control
from ipc.client import Client, connect_host, connect_unix, expect
from ipc.errors import ConnectionFailed, Problem, RequestFailed
from ipc.snapshot import Snapshot

A = TypeVar("A", bound=control.Answer)

RETURN_SECONDS = 10.0
"""How long a supervisor that crashed and has a keeper may take to be back."""


class Dashboard(Protocol):
    """Shows the dashboard until the operator leaves it."""

    def __call__(
        self, connect: Callable[[], AbstractAsyncContextManager[Client]], *, readonly: bool = False
    ) -> Awaitable[None]:
        """`connect` may be used again, whenever the connection was lost."""


@dataclass(frozen=True)
class Session:
    """The supervisor of one state folder here, or the one that `engineroom` finds on `host` over ssh.

    `dashboard` is handed in, because only the composition root knows Textual.
    """

    state: Path
    config_file: Path | None
    host: str | None
    environ: Mapping[str, str]
    cwd: Path
    dashboard: Dashboard

    def connect(self) -> AbstractAsyncContextManager[Client]:
        """A client for as long as the block lasts; waits for a supervisor that its keeper is bringing back.

        Raises:
            ConnectionFailed: no supervisor answers; none is started.
        """
        return connect_host(self.host) if self.host else self._local()

    async def ask(self, command: control.OneAnswer, kind: type[A]) -> A:
        """The one answer to `command`, over a connection of its own; raises what `Client.ask` raises."""
        async with self.connect() as client:
            return expect(await client.ask(command), kind)

    async def look(self, client: Client) -> Snapshot:
        """The whole truth now; raises what `Client.stream` raises."""
        async with client.stream(control.Watch()) as items:
            async for item in items:
                update = expect(item, control.UpdateItem).update
                if isinstance(update, Snapshot):
                    return update
        raise ConnectionFailed(
            Problem("No answer", "The supervisor ended before it said how things are.", "Try again: `engineroom ps`.")
        )

    async def ensure(self, flags: Mapping[str, str] | None = None) -> bool:
        """Start the supervisor where none runs; True when it was started by this call.

        `flags` are further variables of its environment. With a host: `engineroom up` there.

        Raises:
            ConnectionFailed: it did not come up; says what it last logged.
            BadConfig: it would not come up.
            RequestFailed: the state folder cannot be made, or there are flags for one that systemd starts.
        """
        if self.host:
            return await launch.start_on(self.host)
        try:
            async with self._local():
                return False
        except ConnectionFailed as error:
            if launch.kept(self.state, self.environ):
                raise ConnectionFailed(launch.silent(self.state, "One is running but does not answer")) from error
        service = service_of(self.state, self.environ)
        hindrance = service.hindrance(self.environ)
        if not hindrance:
            await self._start_service(service, flags or {})
            return True
        say.note(f"starting the supervisor ({self.state})")
        if service.installed():
            say.note(f"  not as the service {service.name}: {hindrance}")
        await launch.start(self.state, self.config_file, {**self.environ, **(flags or {})})
        return True

    async def _start_service(self, service: Service, flags: Mapping[str, str]) -> None:
        if flags:
            raise RequestFailed(
                Problem(
                    "Not for a service",
                    f"systemd starts this supervisor ({service.name}), and no flags reach it there.",
                    "Start it without --set, then use `engineroom set ENGINE KEY=VALUE`.",
                )
            )
        say.note(f"starting the supervisor ({self.state}) as the service {service.name}")
        if not unit_text.runs(service.text() or "", launch.supervisor_command(service.state, self.config_file)):
            say.note("  as it was installed; `engineroom service install` would make it another one here and now")
        await start_service(service, self.environ)

    def path(self, text: str) -> str:
        """A path or pattern as the supervisor needs it: absolute; a `/` at its end says that it is a folder, and stays.

        Raises:
            RequestFailed: a relative one, when the supervisor is on another host.
        """
        if self.host and not text.startswith("/"):
            raise RequestFailed(
                Problem(
                    "Relative path", f"{text!r} would be a path on {self.host}.", "Write it absolute, as it is there."
                )
            )
        at_home = text.startswith("~/") and not self.host
        path = str(Path(text).expanduser() if at_home else (self.cwd / text).absolute())
        return f"{path}/" if text.endswith("/") and path != "/" else path

    @asynccontextmanager
    async def _local(self) -> AsyncGenerator[Client]:
        deadline = time.monotonic() + RETURN_SECONDS
        async with AsyncExitStack() as stack:
            while True:
                try:
                    client = await stack.enter_async_context(connect_unix(socket_path(self.state)))
                    break
                except ConnectionFailed:
                    if time.monotonic() > deadline or not launch.kept(self.state, self.environ):
                        raise
                    await anyio.sleep(0.05)
            yield client


def session(
    environ: Mapping[str, str],
    cwd: Path,
    dashboard: Dashboard,
    *,
    state: str | None = None,
    config: str | None = None,
    host: str | None = None,
) -> Session:
    """The session that these flags and the environment mean."""
    told = cwd / Path(state).expanduser() if state else state_folder(environ)
    return Session(told, find_file(config, environ, cwd), host, environ, cwd, dashboard)
