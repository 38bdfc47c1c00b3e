"""What `pip check` complains of, and which of it is a fault; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

_COMPLAINT: Final = re.compile(r"(\S+) \S+ (?:requires|has requirement) ")
"""`NAME VERSION requires OTHER, which is not installed.` or `NAME VERSION has requirement PIN, but you have …`"""
_NOTES: Final = ("WARNING: ", "DEPRECATION: ")
"""Beginnings of what pip says by the way."""
_SEPARATORS: Final = re.compile(r"[-_.]+")


def faults(lines: Sequence[str], unkept: Collection[str]) -> tuple[str, ...]:
    """The lines of a check that failed, without what it says of `unkept` packages; empty where it said nothing else.

    Where it complained of no package at all it went wrong itself, and all lines are told.
    """
    accepted = set(map(_canonical, unkept))
    named = [match[1] if (match := _COMPLAINT.match(line)) else "" for line in lines]
    if not any(named):
        return tuple(lines) or ("pip check failed and said nothing",)
    return tuple(
        line
        for line, name in zip(lines, named, strict=True)
        if line.strip() and not line.startswith(_NOTES) and _canonical(name) not in accepted
    )


def _canonical(name: str) -> str:
    """As package indexes compare names."""
    return _SEPARATORS.sub("-", name).lower()
