"""What is typed: lines with editing and this session's history; what is pasted is one message."""

from __future__ import annotations

import readline
import select
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

PROMPT, MORE = "> ", "… "


class Keyboard:
    """Standard input, a terminal; `brackets` says that the library can tell what is pasted from what is typed."""

    def __init__(self, *, brackets: bool = "libedit" not in (readline.__doc__ or "")) -> None:
        self._brackets = brackets
        if hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(errors="replace")
        if brackets:
            readline.parse_and_bind("set enable-bracketed-paste on")

    def message(self) -> str | None:
        """The next message, of several lines where they end with a backslash; None when the reader leaves.

        Ctrl+c drops what was typed, and leaves where nothing was.
        """
        lines: list[str] = []
        while True:
            try:
                line = input(MORE if lines else PROMPT)
            except EOFError:
                sys.stdout.write("\n")
                return None
            except KeyboardInterrupt:
                sys.stdout.write("\n")
                if not lines and not readline.get_line_buffer():
                    return None
                lines = []
                continue
            if not line.endswith("\\") and not self._waits():
                return "\n".join([*lines, line])
            lines.append(line.removesuffix("\\"))

    def _waits(self) -> bool:
        """Whether more lines came at once, as only a paste brings them."""
        return not self._brackets and bool(select.select([sys.stdin], [], [], 0)[0])


@contextmanager
def without_echo() -> Iterator[None]:
    """What is typed meanwhile does not show in the midst of an answer: it waits for the next prompt."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    quiet = [*before]
    quiet[3] = quiet[3] & ~termios.ECHO | termios.NOFLSH
    termios.tcsetattr(keyboard, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
