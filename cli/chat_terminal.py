"""The chat in a terminal: reads messages, shows answers as they come, and is ready for the next whatever happened."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cli import chat_words
from cli.chat_keyboard import Keyboard, without_echo
from cli.chat_wire import Asking, Wire
from cli.exits import Exit
from ipc.chat.conversation import Conversation, Exchange
from ipc.chat.orders import HELP, Clear, Help, Leave, Order, Retry, Save, Say, System, order
from ipc.chat.saved import save
from ipc.errors import Problem, RequestFailed
from ipc.snapshot import EngineRow

TURN_SECONDS = 0.12
"""How often the typing sign moves."""
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CLEAR_LINE = "\r\x1b[K"


class ChatTerminal:
    """One session at a terminal."""

    def __init__(self, wire: Wire, row: EngineRow, conversation: Conversation, environ: Mapping[str, str]) -> None:
        self._wire = wire
        self._row = row
        self._conversation = conversation
        self._keyboard = Keyboard()
        self._plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self._saved: set[Path] = set()

    def run(self) -> Exit:
        """Until the reader leaves."""
        self._note(chat_words.greeting(self._row))
        while (typed := self._keyboard.message()) is not None:
            wanted = order(typed)
            if isinstance(wanted, Leave):
                break
            if wanted is not None:
                self._do(wanted)
        return Exit.OK

    def _do(self, wanted: Order) -> None:
        match wanted:
            case Say(text):
                self._answer(self._conversation.ask(text))
            case Retry():
                again = self._conversation.again()
                self._answer(again) if again else self._note("Nothing was asked yet.")
            case Clear():
                self._conversation.clear()
                self._note("A new conversation.")
            case System(text):
                self._note(chat_words.system_changed(self._conversation.system, text))
                self._conversation.system = text
            case Save(path):
                self._save(Path(path).expanduser())
            case Help(about):
                self._note("\n".join([*([about] if about else []), *(f"{one:14}{told}" for one, told in HELP)]))
            case Leave():
                raise AssertionError("run ends before that")

    def _answer(self, exchange: Exchange) -> None:
        asking = self._wire.ask(self._row.name, self._conversation)
        with _on_interrupt(asking.stop), without_echo():
            self._follow(asking, exchange)
        if exchange.dropped:
            self._note(chat_words.dropped(exchange.dropped))
        if exchange.problem is not None:
            self._complain(exchange.problem)
        if exchange.problem is None or exchange.answer:
            self._note(chat_words.summary(exchange, self._conversation))
        _write("\n")

    def _follow(self, asking: Asking, exchange: Exchange) -> None:
        """Show what comes; the cursor is at the beginning of a line at the end."""
        said, began, waiting = 0, time.monotonic(), False
        while said < len(exchange.answer) or not asking.over:
            fresh = chat_words.harmless(exchange.answer[said:])
            said += len(fresh)
            if fresh:
                _write(f"{_CLEAR_LINE if waiting else ''}{fresh}")
                waiting = False
            elif not said and not self._plain:
                waiting = True
                turn = int((time.monotonic() - began) / TURN_SECONDS)
                told = chat_words.waiting(self._row.name, asking.row, time.monotonic() - began)
                _write(f"{_CLEAR_LINE}\x1b[2m{_FRAMES[turn % len(_FRAMES)]} {told}\x1b[0m")
            asking.wait(TURN_SECONDS)
        _write((_CLEAR_LINE if waiting else "") + ("\n" if said and not exchange.answer.endswith("\n") else ""))

    def _save(self, path: Path) -> None:
        try:
            save(self._conversation, self._row.name, path, again=path in self._saved)
        except RequestFailed as error:
            self._complain(error.problem)
        else:
            self._saved.add(path)
            self._note(f"Saved to {path}.")

    def _complain(self, problem: Problem) -> None:
        _write(f"{problem.title}: {problem.detail}\n" + (f"  {problem.hint}\n" if problem.hint else ""))

    def _note(self, text: str) -> None:
        _write(f"{text}\n" if self._plain else f"\x1b[2m{text}\x1b[0m\n")


@contextmanager
def _on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Ctrl+c means `stop` and nothing else."""
    before = signal.signal(signal.SIGINT, lambda signum, frame: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
