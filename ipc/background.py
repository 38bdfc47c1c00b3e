"""One task beside a body of code, so that neither outlives the other."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio


@asynccontextmanager
async def background(work: Callable[[], Coroutine[Any, Any, object]]) -> AsyncGenerator[None]:
    """Run `work` while the body runs, and cancel it when the body ends.

    A failure of `work` cancels the body. One failure alone leaves as it is, not wrapped in a group, so that the
    body may be written as if there were no second task.
    """
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(work)
            try:
                yield
            finally:
                group.cancel_scope.cancel()
    except BaseExceptionGroup as failures:
        if len(failures.exceptions) > 1:
            raise
        only = failures.exceptions[0]
        raise only from only.__cause__
