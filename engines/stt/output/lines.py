"""Lines of a subtitle: as few as hold the text, and of about the same length."""

from __future__ import annotations

from collections.abc import Sequence

from engines.stt.output.atoms import Atom


def lines(atoms: Sequence[Atom], most: int) -> list[str]:
    """Lines of at most `most` characters; no atom is longer than that."""
    made = _filled(atoms, most)
    if len(made) > 1:
        width = -(-sum(map(len, made)) // len(made))
        while width < most and (any(len(atom.text) > width for atom in atoms) or _count(atoms, width) > len(made)):
            width += 1
        made = _filled(atoms, width)
    return made


def _filled(atoms: Sequence[Atom], width: int) -> list[str]:
    made: list[str] = []
    for atom in atoms:
        joined = f"{made[-1]} {atom.text}" if made and atom.spaced else (made[-1] if made else "") + atom.text
        if made and len(joined) <= width:
            made[-1] = joined
        else:
            made.append(atom.text)
    return made


def _count(atoms: Sequence[Atom], width: int) -> int:
    return len(_filled(atoms, width))


class Filling:
    """How many lines atoms take that come one after the other."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.lines = 0
        self.characters = 0
        """Of all lines."""
        self._column = 0

    def add(self, atom: Atom) -> None:
        """The next one."""
        length = len(atom.text) + (atom.spaced and self._column > 0)
        if self.lines and self._column + length <= self._most:
            self._column += length
        else:
            length = self._column = len(atom.text)
            self.lines += 1
        self.characters += length
