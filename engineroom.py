"""Engine Room: the composition root, and `connect()` and `ask()` for other programs (examples/).

The sources lie flat; an installed copy keeps them under `_engineroom/`. Either folder goes first on `sys.path`, so that
another distribution's `supervisor` or `cli` cannot shadow ours.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipc import control, errors, snapshot
    from ipc.client import Client

__all__ = ["ask", "connect", "control", "errors", "main", "snapshot"]

_BESIDE = Path(__file__).resolve().parent
_ROOT = _BESIDE / "_engineroom" if (_BESIDE / "_engineroom").is_dir() else _BESIDE


def _first_on_path() -> None:
    root = str(_ROOT)
    if sys.path[:1] != [root]:
        sys.path.insert(0, root)


def main() -> int:
    """The command `engineroom`; returns its exit code."""
    _first_on_path()
    from cli.main import main as run

    return run(sys.argv[1:], _show_dashboard)


@asynccontextmanager
async def connect(state: str | None = None, host: str | None = None) -> AsyncGenerator[Client]:
    """A client of the supervisor here (of the state folder `state`, or the usual one) or on `host`; starts none.

    Raises:
        ipc.errors.ConnectionFailed: no supervisor answers.
    """
    _first_on_path()
    import os

    from config.paths import socket_path, state_folder
    from ipc.client import connect_host, connect_unix

    folder = Path(state).absolute() if state else state_folder(os.environ)  # noqa: ASYNC240 (looks at nothing on disk)
    async with connect_host(host) if host else connect_unix(socket_path(folder)) as client:
        yield client


@asynccontextmanager
async def ask(
    engine: str,
    prompt: str | Sequence[Mapping[str, str]],
    *,
    state: str | None = None,
    host: str | None = None,
    **options: float,
) -> AsyncGenerator[AsyncIterator[str]]:
    """The answer to a prompt, or to messages (`{"role": …, "content": …}`), as it is written; leaving stops the engine.

    `options` are further keys of the request, such as `max_tokens` and `temperature` (docs/llm.md).

    Raises:
        ipc.errors.ConnectionFailed: no supervisor answers.
        ipc.errors.RequestFailed, ipc.errors.EngineDied (while iterating): there is no answer, or no more of it.
    """
    import json

    asked = {"prompt": prompt} if isinstance(prompt, str) else {"messages": [*prompt]}
    async with connect(state, host) as client:
        from ipc.control import Ask, Piece

        async with client.stream(Ask(engine, json.dumps({**asked, **options}))) as items:
            yield (item.text async for item in items if isinstance(item, Piece))


def __getattr__(name: str) -> ModuleType:
    """The words a client needs, imported when first looked at: `engineroom.control`, `.errors` and `.snapshot`."""
    if name not in ("control", "errors", "snapshot"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _first_on_path()
    return import_module(f"ipc.{name}")


async def _show_dashboard(
    connect: Callable[[], AbstractAsyncContextManager[Client]], *, readonly: bool = False
) -> None:
    from tui.run import run_dashboard  # ~130 ms: Textual

    await run_dashboard(connect, readonly=readonly)


if __name__ == "__main__":
    sys.exit(main())
