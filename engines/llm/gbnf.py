"""What the library would not survive in a grammar: nesting and repeating without measure end its process.

And what it would not come back from in time: nobody can interrupt it.
"""

from __future__ import annotations

import functools
import re

from engines.llm import gbnf_runs
from ipc.errors import Problem, RequestFailed

MOST_BYTES = 128 * 1024
MOST_RULES = 4000
"""One rule may lead to the next, each a frame on the stack of the library: it has room for five times as many."""
DEEPEST = 100
MOST_REPEATS = 2000
"""The library refuses more."""

MOST_COPIES = 1_000_000
"""Of all that is repeated, written out: the library keeps each copy."""

MOST_EMPTY = 16
"""Items in a row that may match nothing: mostly 6 ms a token as measured, up to 144; of 24 it was up to 1.8 s."""
MOST_WAYS = 10_000
"""To pass such items without a character."""

_TOKEN = re.compile(
    r"""(?P<text> "(?:\\.|[^"\\])*" | \[(?:\\.|[^\]\\])*\] ) | (?P<skip> \#[^\n]* | <[^>]*> )"""
    r"""| (?P<rule> ::= ) | (?P<open> \( ) | (?P<close> \) ) | \{ (?P<repeats> [^}]* ) \} | (?P<name> [\w-]+ )""",
    re.VERBOSE | re.DOTALL,
)
_REPEATS = re.compile(r"\s*(\d+)\s*(?:,\s*(\d*)\s*)?")


def check(text: str) -> None:
    """Whether the library may be given this text, whoever wrote it; it judges everything else itself.

    Raises:
        RequestFailed
    """
    check_size(text)
    run = _longest(text)
    if run.items > MOST_EMPTY:
        raise bad_grammar(f"more than {MOST_EMPTY} items in a row may match nothing")
    if run.ways > MOST_WAYS:
        raise bad_grammar(f"what may match nothing can be passed in more than {MOST_WAYS:,} ways")


def check_size(text: str) -> None:
    """Whether it is of a size that the library survives.

    Raises:
        RequestFailed
    """
    if "\0" in text:
        raise bad_grammar("it contains a zero byte")
    if len(text.encode()) > MOST_BYTES:
        raise bad_grammar(f"it is longer than {MOST_BYTES // 1024} KiB")
    rules = depth = copies = size = 0
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "rule":
                rules += 1
            case "open":
                depth += 1
            case "close":
                depth -= 1
            case "repeats":
                copies += size * _repeats(token["repeats"])
            case _:
                pass
        size = len(token[0]) if token.lastgroup == "text" else 1
        if depth > DEEPEST:
            raise bad_grammar(f"its parentheses nest more than {DEEPEST} deep")
        if rules > MOST_RULES:
            raise bad_grammar(f"it has more than {MOST_RULES} rules")
        if copies > MOST_COPIES:
            raise bad_grammar("all its repetitions together are too many")


def bad_grammar(why: str) -> RequestFailed:
    """For a unit that cannot be written by its grammar."""
    return RequestFailed(
        Problem("Bad grammar", f"The grammar cannot be used: {why}.", "Correct it; it is GBNF, as llama.cpp reads it.")
    )


_longest = functools.lru_cache(maxsize=32)(gbnf_runs.longest)  # the lines of a job usually have the same one


def _repeats(inside: str) -> int:
    """How often at most, or at least where there is no most."""
    numbers = _REPEATS.fullmatch(inside)
    if numbers is None:
        raise bad_grammar(f"{{{inside[:40]}}} is no number of repetitions")
    least = int(numbers[1][:9])
    most = int(numbers[2][:9]) if numbers[2] else least
    if max(least, most) > MOST_REPEATS:
        raise bad_grammar(f"{{{inside[:40]}}} repeats more than {MOST_REPEATS} times")
    if most < least:
        raise bad_grammar(f"{{{inside[:40]}}} has its most below its least")
    return most
