"""From a conversation to the prompt text, through the chat template that the model brings along, or another."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engines.contract import CannotLoad
from engines.llm.request import Message
from ipc.errors import Problem, RequestFailed

_log = logging.getLogger(__name__)
_LOOKS_WRITTEN = re.compile(r"\{[{%]")
"""A template that is no path."""


class Chat:
    """Renders conversations for one model; without a template turns are written plainly, one after the other.

    A template is a program from a downloaded file, so it runs in Jinja's sandbox.
    """

    def __init__(self, template: str | None, bos: str, eos: str) -> None:
        self._bos, self._eos = bos, eos
        self._render: Callable[..., str] | None = None
        if template is not None:
            try:
                self._render = _compiled(template)
            except TemplateError as error:
                _log.warning("the model's chat template cannot be used, turns are written plainly: %s", error)

    @classmethod
    def through(cls, wanted: str, bos: str, eos: str) -> Chat:
        """With a template of the operator's: the text itself, or the path of a file.

        Raises:
            CannotLoad: it cannot be read, is no template, or makes nothing of even one user turn.
        """
        text = wanted if _LOOKS_WRITTEN.search(wanted) else _read(Path(wanted).expanduser())
        try:
            _compiled(text)
            tried = cls(text, bos, eos)
            made = tried.prompt((Message("user", "Hello"),))
        except TemplateError as error:
            raise _no_template(f"it is no Jinja template: {error}") from error
        except RequestFailed as error:
            raise _no_template(f"it refuses a plain question: {error.problem.detail}") from error
        if "Hello" not in made:
            raise _no_template("it leaves out what the user says")
        return tried

    def prompt(self, turns: Sequence[Message]) -> str:
        """The text the model is to continue.

        Raises:
            RequestFailed: the template refuses this conversation (two user turns in a row, say).
        """
        if self._render is None:
            return turns[0].content if len(turns) == 1 else _plain(turns)
        try:
            return self._render(
                messages=[{"role": turn.role, "content": turn.content} for turn in turns],
                add_generation_prompt=True,
                bos_token=self._bos,
                eos_token=self._eos,
            )
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise RequestFailed(
                Problem(
                    "Conversation refused",
                    f"The chat template says: {error}.",
                    "Change the messages, or use `prompt`.",
                )
            ) from error


def _compiled(template: str) -> Callable[..., str]:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals.update(raise_exception=_refuse, strftime_now=lambda form: datetime.now().strftime(form))
    return environment.from_string(template).render


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise _no_template(f"{file}: {why}") from error


def _no_template(why: str) -> CannotLoad:
    return CannotLoad(
        Problem(
            "Bad chat template",
            f"`chat_template` cannot be used: {why}.",
            "Set it to a Jinja template or the path of one, or to nothing for the model's own.",
        )
    )


def _plain(turns: Sequence[Message]) -> str:
    return "".join(f"{turn.role}: {turn.content}\n\n" for turn in turns) + "assistant:"


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
