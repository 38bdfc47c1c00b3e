"""The rules of JSON that every grammar made from a schema has in common, and how its pieces are written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from engines.llm.digits import FRACTION, MOST_DIGITS
from ipc.errors import Problem, RequestFailed

_HEX = "[0-9a-fA-F]"
_MONTH_AND_DAY = (
    '("0" [13578] | "1" [02]) "-" ("0" [1-9] | [12] [0-9] | "3" [01])'
    ' | ("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30")'
    ' | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])'
)
_CHARACTERS = r"[ !#-[\]-~\x80-\uD7FF\uE000-\U0010FFFF]"
_ESCAPES = rf'"\\" (["\\/bfnrt] | "u" ([0-9a-cA-Ce-fE-F] {_HEX}{{3}} | [dD] [0-7] {_HEX}{{2}}))'
SHARED: dict[str, tuple[str, tuple[str, ...]]] = {
    # As llama.cpp has it: enough to lay out JSON in any usual way, and not for white space without an end.
    "space": (r'| " " | "\n"{1,2} [ \t]{0,20}', ()),
    # Ranges of what there is: the library's "anything but" would take bytes that are no UTF-8. And no half of a
    # surrogate pair, because a text with one cannot be written as UTF-8.
    "char": (f"{_CHARACTERS} | {_ESCAPES}", ()),
    "string": (r'"\"" char* "\""', ("char",)),
    "integer": (f'"-"? ("0" | [1-9] [0-9]{{0,{MOST_DIGITS - 1}}})', ()),
    "number": (f"integer ({FRACTION})? ([eE] [-+]? [0-9]{{1,2}})?", ("integer",)),
    "boolean": ('"true" | "false"', ()),
    "null": ('"null"', ()),
    "pair": ('string ":" space value', ("string", "space", "value")),
    "object": ('"{" space (pair ("," space pair)* space)? "}"', ("space", "pair")),
    "array": ('"[" space (value ("," space value)* space)? "]"', ("space", "value")),
    "value": (
        "object | array | string | number | boolean | null",
        ("object", "array", "string", "number", "boolean", "null"),
    ),
    "date": (f'[12] [0-9]{{3}} "-" ({_MONTH_AND_DAY})', ()),
    "hours": ('([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]', ()),
    "time": ('hours ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [+-] hours)', ("hours",)),
    "date-time": ('date "T" time', ("date", "time")),
    "uuid": (f'{_HEX}{{8}} "-" {_HEX}{{4}} "-" {_HEX}{{4}} "-" {_HEX}{{4}} "-" {_HEX}{{12}}', ()),
}
"""By name: the rule, and those that it needs."""
FORMATS = ("date", "time", "date-time", "uuid")
"""Formats of a text that are kept to; others are passed over, as the standard of schemas allows."""


def literal(value: Any) -> str:
    """This one value, as JSON.

    Raises:
        RequestFailed: it is infinite.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise cannot("it has a number that is infinite") from error
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def alternatives(expressions: Iterable[str]) -> str:
    """Any of them."""
    return " | ".join(dict.fromkeys(expressions))


def grouped(expression: str) -> str:
    """The same, so that it may stand within a longer one."""
    return f"({expression})" if " | " in expression else expression


def cannot(why: str) -> RequestFailed:
    """For a schema that no grammar can be made from."""
    return RequestFailed(
        Problem("Bad schema", f"The JSON schema cannot be used: {why}.", "Change it, or give a `grammar` instead.")
    )


def too_large() -> RequestFailed:
    """For a schema whose grammar the library could not bear."""
    text = "The JSON schema cannot be used: its grammar is too large."
    return RequestFailed(Problem("Bad schema", text, "Lower its `maxItems` and `maxLength`, or ask for less at once."))


def shown(value: Any) -> str:
    """A value as a sentence may have it."""
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
