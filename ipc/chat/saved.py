"""A conversation as a file: JSON lines for programs, Markdown for people."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from ipc.chat.conversation import Conversation
from ipc.errors import Problem, RequestFailed

_ENDS = {"stopped": "stopped", "died": "the engine died", "failed": "no answer", "cut": "cut off at a limit"}


def save(conversation: Conversation, engine: str, path: Path, *, again: bool) -> None:
    """Write all of it to `path`, which may be there only if it is written `again`.

    Raises:
        RequestFailed: it cannot be written, or would replace what is not ours.
    """
    text = as_lines(conversation) if path.suffix == ".jsonl" else as_markdown(conversation, engine)
    part = path.with_name(f"{path.name}.part")
    try:
        if path.exists() and not again:
            raise RequestFailed(Problem("File is there", f"{path} exists already.", "Take another name."))
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        what = f"{path} cannot be written: {error.strerror}."
        raise RequestFailed(Problem("Not saved", what, "Take another place.")) from error


def as_lines(conversation: Conversation) -> str:
    """A line a message: `{"role": …, "content": …}`."""
    said = [("system", conversation.system)]
    for one in conversation.exchanges:
        said += [("user", one.question), ("assistant", one.answer)]
    lines = [json.dumps({"role": role, "content": text}, ensure_ascii=False) for role, text in said if text]
    return "".join(f"{line}\n" for line in lines)


def as_markdown(conversation: Conversation, engine: str) -> str:
    """A heading a message; an answer that is not whole says so."""
    parts = [f"# Chat with {engine}"]
    if conversation.system:
        parts += ["## System", conversation.system]
    for one in conversation.exchanges:
        parts += ["## You", one.question, f"## {engine}"]
        parts += [one.answer] if one.answer else []
        parts += [f"*({_ENDS[one.end]})*"] if one.end in _ENDS else []
    return "\n\n".join(parts) + "\n"
