"""A command in a terminal of its own, and what a person would read there."""

from __future__ import annotations

import os
import signal

import pexpect
import pyte
from room_kit import Room

COLUMNS, LINES = 120, 34


class Terminal:
    """`engineroom ARGUMENTS` of a room on a pseudo-terminal; without arguments the dashboard."""

    def __init__(self, room: Room, *arguments: str) -> None:
        environment = {**room.environment(), "TERM": "xterm-256color", "INPUTRC": os.devnull}
        command, *rest = room.command(*arguments)
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            command, rest, dimensions=(LINES, COLUMNS), env=environment, cwd=room.work
        )
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)

    def text(self) -> str:
        """The screen now."""
        try:
            while True:
                self._stream.feed(self._child.read_nonblocking(65536, timeout=0))
        except (pexpect.TIMEOUT, pexpect.EOF):
            return "\n".join(self._screen.display)

    def shows(self, *parts: str) -> bool:
        """Whether all of this is on the screen."""
        text = self.text()
        return all(part in text for part in parts)

    def lines(self) -> list[str]:
        """The lines of the screen that are not empty, without what trails."""
        return [line.rstrip() for line in self.text().splitlines() if line.strip()]

    def press(self, keys: str) -> None:
        """Type."""
        self._child.send(keys)

    def hang_up(self) -> None:
        """What a closed terminal does to its process group."""
        os.killpg(os.getpgid(int(self._child.pid or 0)), signal.SIGHUP)
        self._child.close(force=True)

    def ended(self) -> bool:
        """Whether the program has left."""
        self.text()
        return not self._child.isalive()

    def exit_code(self) -> int | None:
        """How it left."""
        self._child.close()
        return self._child.exitstatus
