"""Words heard against words that were said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def word_errors(meant: str | Sequence[str], heard: str | Sequence[str]) -> int:
    """Words that are missing, too many or others: the edit distance. Case and punctuation do not count."""
    wanted, found = _words(meant), _words(heard)
    costs = list(range(len(found) + 1))
    for row, word in enumerate(wanted, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(found, 1):
            least = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (word != other))
            diagonal, costs[column] = costs[column], least
    return costs[-1]


def error_share(pairs: Iterable[tuple[str | Sequence[str], str | Sequence[str]]]) -> float:
    """Errors of all (meant, heard), per word meant."""
    errors = words = 0
    for meant, heard in pairs:
        errors += word_errors(meant, heard)
        words += len(_words(meant))
    return errors / words


def _words(text: str | Sequence[str]) -> list[str]:
    whole = text if isinstance(text, str) else " ".join(text)
    return re.sub(r"[^\w\s']", " ", whole).lower().split()
