"""From a conversation to the prompt text, through the chat template that the model brings along."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engines.llm.request import Message
from ipc.errors import Problem, RequestFailed

_log = logging.getLogger(__name__)


class Chat:
    """Renders conversations for one model; without a template turns are written plainly, one after the other.

    A template is a program from a downloaded file, so it runs in Jinja's sandbox.
    """

    def __init__(self, template: str | None, bos: str, eos: str) -> None:
        self._bos, self._eos = bos, eos
        self._render: Callable[..., str] | None = None
        if template is not None:
            environment = ImmutableSandboxedEnvironment(
                trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
            )
            environment.globals.update(raise_exception=_refuse, strftime_now=lambda form: datetime.now().strftime(form))
            try:
                self._render = environment.from_string(template).render
            except TemplateError as error:
                _log.warning("the model's chat template cannot be used, turns are written plainly: %s", error)

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
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise RequestFailed(
                Problem(
                    "Conversation refused",
                    f"The model's chat template says: {error}.",
                    "Change the messages, or use `prompt`.",
                )
            ) from error


def _plain(turns: Sequence[Message]) -> str:
    return "".join(f"{turn.role}: {turn.content}\n\n" for turn in turns) + "assistant:"


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
