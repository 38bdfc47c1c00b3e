"""One unit of work for a language model: a line of prompts.jsonl, and the result that answers it."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from engines.chain import Id, OutputLine, output_line
from engines.llm import gbnf
from engines.llm.schema import to_gbnf
from ipc.errors import Problem, RequestFailed

StopText: TypeAlias = Annotated[str, Meta(max_length=256)]
Finish: TypeAlias = Literal["stop", "length"]


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is asked: a `prompt` (one user turn) or `messages`; whatever else is None falls to the engine's knobs.

    `seed` is used as it is, while the engine's own seed adds the unit's index. `stop` ends the answer, which never
    contains it. With `raw` the model continues the prompt as it stands, without a chat template. The answer keeps to
    `grammar`, a text in GBNF, or to `json_schema`.
    """

    id: Id | None = None
    prompt: Annotated[str, Meta(min_length=1)] | None = None
    messages: Annotated[tuple[Message, ...], Meta(min_length=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=131072)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=5)] | None = None
    top_k: Annotated[int, Meta(ge=0, le=100000)] | None = None
    typical_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    repeat_penalty: Annotated[float, Meta(ge=0, le=10)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    stop: StopText | Annotated[tuple[StopText, ...], Meta(max_length=64)] | None = None
    raw: bool = False
    grammar: Annotated[str, Meta(min_length=1)] | None = None
    json_schema: msgspec.Raw = msgspec.Raw()

    def turns(self) -> tuple[Message, ...]:
        """The conversation to answer; a bare prompt is one user turn."""
        return self.messages or (Message("user", self.prompt or ""),)

    def stops(self) -> tuple[str, ...]:
        """The texts that end the answer; an empty one would end it before it begins, so it counts for nothing."""
        texts = (self.stop,) if isinstance(self.stop, str) else self.stop or ()
        return tuple(text for text in texts if text)

    def gbnf(self) -> str:
        """The grammar that the answer keeps to, or an empty text.

        Raises:
            RequestFailed: it has two, or one that cannot be used.
        """
        if not self.has_schema():
            if self.grammar is None:
                return ""
            gbnf.check(self.grammar)
            return self.grammar
        if self.grammar is not None:
            raise RequestFailed(
                Problem("Bad request", "It has both `grammar` and `json_schema`.", "Give at most one of the two.")
            )
        return to_gbnf(bytes(self.json_schema).decode())

    def has_schema(self) -> bool:
        """Whether its grammar is made from a schema."""
        return bytes(self.json_schema) not in (b"", b"null")


class Answer(Struct, frozen=True):
    """The result of one unit: `finish` is "stop" where the model or a stop text ended it, "length" at a limit.

    `cached_tokens` of the prompt were not computed for it; as they differ between runs, outputs do not tell them.
    """

    answer: str
    tokens: int
    prompt_tokens: int
    finish: Finish
    cached_tokens: int = 0


_decoder = msgspec.json.Decoder(Request)
_known = tuple(field.name for field in msgspec.structs.fields(Request))
_unknown_field = re.compile(r"unknown field `(.*?)`")


def parse(text: str | bytes) -> Request:
    """The request in one line of JSON, which may be a line of an earlier job's output.

    Raises:
        RequestFailed: it is no JSON object, has an unknown key or a value of the wrong type or range, not exactly
            one of `prompt` and `messages`, or a grammar or schema that surely cannot be used.
    """
    try:
        request = _decoder.decode(text)
    except msgspec.ValidationError as error:
        if (earlier := output_line(text)) is not None:
            return _chained(earlier)
        raise RequestFailed(_invalid(str(error))) from error
    except RecursionError as error:
        raise RequestFailed(Problem("Bad request", "It nests too deeply.", "Correct this line.")) from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RequestFailed(
            Problem("Not JSON", f"The line cannot be read: {error}.", "Write one JSON object on one line, in UTF-8.")
        ) from error
    if (request.prompt is None) == (request.messages is None):
        if request.prompt is None:
            has, way_out = "neither `prompt` nor `messages`", "Give one of the two, or the `answer` of an earlier job."
        else:
            has, way_out = "both `prompt` and `messages`", "Give exactly one of the two."
        raise RequestFailed(Problem("Bad request", f"It has {has}.", way_out))
    if request.raw and request.prompt is None:
        raise RequestFailed(
            Problem("Bad request", "It has `messages` and is `raw`.", "Only a `prompt` goes without a chat template.")
        )
    request.gbnf()
    return request


def _chained(earlier: OutputLine) -> Request:
    if not earlier.answer:
        raise RequestFailed(Problem("Bad request", "Its `answer` is empty.", "Nothing is asked: drop this line."))
    return Request(id=earlier.id, prompt=earlier.answer)


def _invalid(message: str) -> Problem:
    unknown = _unknown_field.search(message)
    if unknown is None or " - at " in message:
        return Problem("Bad request", f"{message.replace(' - at `$', ' at `')}.", "Correct this line.")
    if unknown[1] == "answer":
        return Problem(
            "Bad request",
            "It has an `answer`, but is no line of an earlier job's output.",
            f"Such a line has the keys {', '.join(OutputLine.__struct_fields__)} and no other.",
        )
    near = difflib.get_close_matches(unknown[1], _known, n=1)
    way_out = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(_known)}."
    return Problem("Unknown key", f"The key `{unknown[1]}` is not known.", way_out)
