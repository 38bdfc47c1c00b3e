"""A grammar as lists of items: of GBNF only what tells which of them may match nothing; the library judges the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_TOKEN = re.compile(
    r"""(?P<text> "(?P<inside>(?:\\.|[^"\\])*)" ) | (?P<one> \[(?:\\.|[^\]\\])*\] | <[^>]*> | \. )"""
    r"""| (?P<skip> \#[^\n]* )"""
    r"""| (?P<rule> [\w-]+ (?=\s*::=) ) | (?P<name> [\w-]+ ) | (?P<open> \( ) | (?P<close> \) ) | (?P<or> \| )"""
    r"""| (?P<often> [*+?] | \{ \s* (?P<least>\d+) \s* (?P<more> , \s* (?P<most>\d*) \s* )? \} )""",
    re.VERBOSE | re.DOTALL,
)
_OFTEN: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}


@dataclass(frozen=True)
class Item:
    """A rule by its name, or characters where that is empty; repeated."""

    name: str
    least: int = 1
    most: int | None = 1


Alternatives: TypeAlias = list[list[Item]]


def read(text: str) -> dict[str, Alternatives]:
    """The rules by name; a group is a rule, too, whose name no grammar can give."""
    rules: dict[str, Alternatives] = {}
    body: Alternatives = [[]]
    outer: list[Alternatives] = []
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "rule":
                body, outer = [[]], []
                rules[token["rule"]] = body
            case "or":
                body.append([])
            case "name":
                body[-1].append(Item(token["name"]))
            case "open":
                group: Alternatives = [[]]
                name = f"({len(rules)}"
                rules[name] = group
                body[-1].append(Item(name))
                outer.append(body)
                body = group
            case "close" if outer:
                body = outer.pop()
            case "often" if body[-1]:
                least, most = _OFTEN.get(token["often"]) or _counted(token)
                body[-1][-1] = Item(body[-1][-1].name, least, most)
            case "text" | "one":
                body[-1].append(Item("", *((0, 0) if token["inside"] == "" else (1, 1))))
            case _:
                pass
    return rules


def _counted(token: re.Match[str]) -> tuple[int, int | None]:
    least = int(token["least"])
    if token["more"] is None:
        return least, least
    return least, int(token["most"]) if token["most"] else None
