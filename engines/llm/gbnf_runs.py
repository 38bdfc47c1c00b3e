"""How much of a grammar may match nothing in a row: the library follows each way through it at every character.

With `n` such items in a row it has n stacks, each of which leads to n others, each compared with all: n³ steps, and
where a token of `k` characters is judged, n over k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from engines.llm.gbnf_rules import Alternatives, Item, read

_MOST = 10**9
"""Where counting ends."""


@dataclass(frozen=True)
class Run:
    """What begins at one place of a grammar, up to the first character.

    Between there and the end of it may be nothing where `empty`. `items` may match nothing, and there are so many
    `ways` to pass them.
    """

    empty: bool
    items: int = 0
    ways: int = 1

    def then(self, after: Run) -> Run:
        """This, and what follows it."""
        if not self.empty:
            return self
        return Run(after.empty, min(self.items + after.items, _MOST), min(self.ways * after.ways, _MOST))


_NOTHING, _CHARACTERS = Run(empty=True), Run(empty=False)


def longest(text: str) -> Run:
    """The most items and the most ways anywhere in this GBNF; a rule that leads to itself counts once."""
    rules = read(text)
    empty = _empty(rules)
    runs: dict[str, Run] = {}
    for name in _inside_out(rules, lambda name: _first(rules[name], empty)):
        runs[name] = _any([_all(items, runs, empty) for items in rules[name]], empty=name in empty)
    after = _after(rules, runs, empty)
    most = _NOTHING
    for name, alternatives in rules.items():
        for items in alternatives:
            run = after[name]
            most = _most(most, run)
            for item in reversed(items):
                run = _run(item, runs, empty).then(run)
                most = _most(most, run)
    return most


def _empty(rules: Mapping[str, Alternatives]) -> set[str]:
    """The rules that may match nothing."""
    order = _inside_out(rules, lambda name: (item.name for items in rules[name] for item in items))
    empty: set[str] = set()
    known = -1
    while known != len(empty):
        known = len(empty)
        for name in order:
            if name not in empty and any(all(_passes(item, empty) for item in items) for items in rules[name]):
                empty.add(name)
    return empty


def _passes(item: Item, empty: set[str]) -> bool:
    return item.least == 0 or item.name in empty


def _first(alternatives: Alternatives, empty: set[str]) -> Iterable[str]:
    """The rules that may begin before a character."""
    for items in alternatives:
        for item in items:
            yield item.name
            if not _passes(item, empty):
                break


def _after(rules: Mapping[str, Alternatives], runs: Mapping[str, Run], empty: set[str]) -> dict[str, Run]:
    """What may follow each rule, wherever it stands."""
    places: dict[str, list[tuple[str, Run]]] = {name: [] for name in rules}
    for caller, alternatives in rules.items():
        for items in alternatives:
            rest = _NOTHING
            for item in reversed(items):
                if item.name in places:
                    again = None if item.most is None else max(item.most - 1, 0)
                    places[item.name].append((caller, _run(Item(item.name, 0, again), runs, empty).then(rest)))
                rest = _run(item, runs, empty).then(rest)
    after: dict[str, Run] = {}
    for name in _inside_out(rules, lambda name: (caller for caller, rest in places[name] if rest.empty)):
        most = _NOTHING
        for caller, rest in places[name]:
            most = _most(most, rest.then(after.get(caller, _NOTHING)))
        after[name] = most
    return after


def _run(item: Item, runs: Mapping[str, Run], empty: set[str]) -> Run:
    inside = runs.get(item.name, Run(empty=item.name in empty)) if item.name else _CHARACTERS
    if item.most == 0:
        return _NOTHING
    if not inside.empty:
        return Run(True, max(1, inside.items), inside.ways) if item.least == 0 else inside
    copies = item.least + 1 if item.most is None else item.most
    ways = _MOST if inside.ways > 1 and copies > 30 else min(inside.ways**copies, _MOST)
    return Run(True, min(max(1, inside.items) * copies, _MOST), min(ways + copies - item.least, _MOST))


def _all(items: Sequence[Item], runs: Mapping[str, Run], empty: set[str]) -> Run:
    run = _NOTHING
    for item in items:
        run = run.then(_run(item, runs, empty))
    return run


def _any(runs: Sequence[Run], *, empty: bool) -> Run:
    """Of all that pass, each is a way of its own."""
    ways = sum(run.ways for run in runs if run.empty)
    return Run(empty, max(run.items for run in runs), min(max(ways, *(run.ways for run in runs)), _MOST))


def _most(one: Run, other: Run) -> Run:
    return Run(True, max(one.items, other.items), max(one.ways, other.ways))


def _inside_out(names: Iterable[str], leads_to: Callable[[str], Iterable[str]]) -> list[str]:
    """Each after those that it leads to, but for circles; not by recursion, as there may be thousands in a row."""
    known = set(names)
    seen: set[str] = set()
    order: list[str] = []
    for start in names:
        todo = [(start, iter(leads_to(start)))] if start not in seen else []
        seen.add(start)
        while todo:
            name, others = todo[-1]
            for other in others:
                if other in known and other not in seen:
                    seen.add(other)
                    todo.append((other, iter(leads_to(other))))
                    break
            else:
                order.append(name)
                todo.pop()
    return order
