"""What was typed into a chat: a message, or an order that begins with a slash. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Say:
    """A message."""

    text: str


@dataclass(frozen=True)
class Clear:
    """Begin anew."""


@dataclass(frozen=True)
class System:
    """Another system message; empty for none."""

    text: str


@dataclass(frozen=True)
class Save:
    """Keep the conversation in a file."""

    path: str


@dataclass(frozen=True)
class Retry:
    """Answer the last message once more."""


@dataclass(frozen=True)
class Help:
    """Say what can be typed; `about` is what was typed and is not known, or not whole."""

    about: str = ""


@dataclass(frozen=True)
class Leave:
    """Out."""


Order: TypeAlias = Say | Clear | System | Save | Retry | Help | Leave

HELP: tuple[tuple[str, str], ...] = (
    ("/retry", "answer the last message once more"),
    ("/clear", "begin anew"),
    ("/system TEXT", "set the system message; without a text, take it away"),
    ("/save FILE", "keep the conversation: FILE.jsonl a line a message, else Markdown"),
    ("/help", "this list"),
    ("/exit", "leave"),
)
_SLASH = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


def order(typed: str) -> Order | None:
    """What `typed` asks for; None for nothing. A space before it makes a message of any line."""
    found = None if typed[:1].isspace() else _SLASH.fullmatch(typed.rstrip())
    if found is None:
        return Say(typed.strip()) if typed.strip() else None
    match found[1], (found[2] or "").strip():
        case "clear", "":
            return Clear()
        case "retry", "":
            return Retry()
        case "exit" | "quit", "":
            return Leave()
        case "help", _:
            return Help()
        case "system", text:
            return System(text)
        case "save", path if path:
            return Save(path)
        case "save", _:
            return Help("/save needs the name of a file.")
        case word, _:
            return Help(f"/{word} is not known so. With a space before it, it is a message.")
