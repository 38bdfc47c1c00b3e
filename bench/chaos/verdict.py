"""What became of the units of one job: its output against its source. No I/O."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

from bench.chaos.source import Source, answer


@dataclass(frozen=True)
class Verdict:
    """Ids of units for which something was not kept."""

    lost: tuple[str, ...] = ()
    """Neither in the output nor set aside."""
    twice: tuple[str, ...] = ()
    """In the output more than once, or there and set aside."""
    disordered: tuple[str, ...] = ()
    """In the output before one that precedes it in the source."""
    innocent: tuple[str, ...] = ()
    """Set aside, though there is nothing wrong with it."""
    spared: tuple[str, ...] = ()
    """Poison that was not set aside."""
    wrong: tuple[str, ...] = ()
    """With another answer than its own, or of no unit at all."""

    def kept(self) -> bool:
        """Whether every promise was."""
        return not any(getattr(self, field.name) for field in fields(self))


def judge(source: Source, output: bytes, set_aside: Iterable[tuple[str, ...]], undisturbed: bytes | None) -> Verdict:
    """Over the output's lines; with `undisturbed` the output must be that, byte by byte.

    `set_aside` are the ids of each unit that was; where one of several lines is poison, the others share its fate.
    """
    lines = [json.loads(line) for line in output.splitlines()]
    came = [str(line["id"]) for line in lines]
    companies = [set(names) for names in set_aside]
    aside = {name for company in companies for name in company}
    guilty = {name for company in companies if company & source.poison for name in company}
    units = {str(unit.id): unit for unit in source.units}
    place = {name: number for number, name in enumerate(units)}
    often = Counter(came)
    wrong = [name for name in came if name not in units]
    if undisturbed is None:
        wrong += [
            name
            for name, line in zip(came, lines, strict=True)
            if name in units and line["answer"] != answer(units[name])
        ]
    elif output != undisturbed:
        wrong += [
            name
            for name, ours, theirs in zip(came, output.splitlines(), undisturbed.splitlines(), strict=False)
            if ours != theirs
        ] or ["another number of lines"]
    return Verdict(
        lost=tuple(name for name in units if not often[name] and name not in aside),
        twice=tuple(name for name in units if often[name] > 1 or (often[name] and name in aside)),
        disordered=tuple(
            name
            for name, then in zip(came, came[1:], strict=False)
            if name in place and then in place and place[name] > place[then]
        ),
        innocent=tuple(sorted(aside - guilty)),
        spared=tuple(sorted(source.poison - aside)),
        wrong=tuple(wrong),
    )
