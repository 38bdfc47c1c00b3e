"""Which engines the operator stopped, kept across a crash of the supervisor: `stopped.json` in the state folder.

A wish that cannot be written (the disk is full) is in force all the same; that it is not kept is said, and it is tried
again every second until it is kept or no longer wanted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import anyio
import msgspec
from anyio import to_thread

from config.durable import replace_whole
from supervisor.board import Board

AGAIN_SECONDS: Final = 1.0


class Stops:
    """`wanted` are the engines that the operator stopped and has not called back."""

    def __init__(self, state_folder: Path, board: Board) -> None:
        self._path = state_folder / "stopped.json"
        self._board = board
        self.wanted = self._kept = _read(self._path)
        self._told = frozenset[str]()
        self._writing = anyio.Lock()

    async def remember(self, engine: str, *, stopped: bool) -> str:
        """Keep that the operator stopped `engine`, or called it back; returns once that is on disk.

        Else with what the answer has to say of it, a sentence that begins with a space.
        """
        self.wanted = self.wanted | {engine} if stopped else self.wanted - {engine}
        why = await self._keep()
        if not why or engine not in self.wanted ^ self._kept:
            return ""
        return f" But that could not be kept for the next supervisor ({why}); it is tried again every second."

    async def run(self) -> None:
        """Try again, for as long as the supervisor lives."""
        while True:
            await anyio.sleep(AGAIN_SECONDS)
            await self._keep()

    async def _keep(self) -> str:
        """Why that could not be; empty once it is on disk."""
        async with self._writing:
            wanted, why = self.wanted, ""
            if wanted != self._kept:
                try:
                    # In a thread: a slow disk must not stop the supervisor.
                    await to_thread.run_sync(replace_whole, self._path, msgspec.json.encode(sorted(wanted)))
                except OSError as error:
                    why = f"{self._path}: {error.strerror}"
                    self._tell_not_kept(wanted, why)
                else:
                    self._kept = wanted
                    self._tell_kept()
            self._told = wanted ^ self._kept
            return why

    def _tell_kept(self) -> None:
        for engine in sorted(self._told):
            word, what = ("stop-kept", "stopped") if engine in self._kept else ("start-kept", "no longer stopped")
            self._board.happen("info", engine, word, f"that {engine} is {what} is kept now")

    def _tell_not_kept(self, wanted: frozenset[str], why: str) -> None:
        """Each once, and not again every second."""
        for engine in sorted((wanted ^ self._kept) - self._told):
            if engine in wanted:
                word, text = "stop-not-kept", f"{engine} is stopped, but a next supervisor would not know of it"
            else:
                word, text = "start-not-kept", f"{engine} is no longer stopped, but a next supervisor would keep it so"
            self._board.happen("warning", engine, word, f"{text}: {why}")


def _read(path: Path) -> frozenset[str]:
    """None where the file is missing or unreadable, because starting an engine loses nothing."""
    try:
        return frozenset(msgspec.json.decode(path.read_bytes(), type=list[str]))
    except (OSError, msgspec.MsgspecError):
        return frozenset()
