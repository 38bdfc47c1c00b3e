"""Text as the peers give it to a model: the chat template of the file, or plain turns where it has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from jinja2 import Template

Message: TypeAlias = dict[str, str]


class Rendering:
    """The same texts that the engine makes, without a sandbox."""

    def __init__(self, template: str | None) -> None:
        self._template = Template(template) if template else None

    def text(self, messages: Sequence[Message]) -> str:
        """What the model is to continue."""
        if self._template is not None:
            return str(self._template.render(messages=messages, add_generation_prompt=True))
        if len(messages) == 1:
            return messages[0]["content"]
        return "".join(f"{one['role']}: {one['content']}\n\n" for one in messages) + "assistant:"


def messages_of(request: dict[str, str]) -> list[Message]:
    """The turns of a line of prompts.jsonl that has a `prompt`."""
    return [{"role": "user", "content": request["prompt"]}]
