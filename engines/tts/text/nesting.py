"""Names of the tags that are open; whether one is takes no longer the more there are. Pure."""

from __future__ import annotations

from collections import Counter


class OpenTags:
    """From the outermost on; a tag that ends closes those within it too, and one that was never open ends nothing."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._counts = Counter[str]()

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: str) -> bool:
        return self._counts[name] > 0

    def begin(self, name: str) -> None:
        """One more, within all others."""
        self._names.append(name)
        self._counts[name] += 1

    def end(self, name: str) -> None:
        """Close the innermost of this name, if there is one."""
        while name in self:
            innermost = self._names.pop()
            self._counts[innermost] -= 1
            if innermost == name:
                return

    def clear(self) -> None:
        """Close all."""
        self._names.clear()
        self._counts.clear()
