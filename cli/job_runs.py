"""The runs of a job: what changed from one to the next."""

from __future__ import annotations

from collections.abc import Sequence

from cli import say, words
from ipc.snapshot import RunRow, Scalar

HEADS = ("RUN", "ENGINE", "SINCE", "UNITS", "SETTINGS THAT DIFFER")


def lines(runs: Sequence[RunRow]) -> list[str]:
    """A table."""
    cells = [
        (str(run.number), run.engine, words.moment(run.since_unix), str(run.units), words.settings(settings))
        for run, settings in zip(runs, differing(runs), strict=True)
    ]
    return say.aligned((HEADS, *cells), right=frozenset({0, 3}))


def differing(runs: Sequence[RunRow]) -> list[dict[str, Scalar]]:
    """Of each run those settings that are not the same in all of them."""
    shared = set.intersection(*(set(run.settings.items()) for run in runs)) if runs else set()
    same = {name for name, _ in shared}
    return [{name: value for name, value in run.settings.items() if name not in same} for run in runs]
