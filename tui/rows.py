"""Which rows are shown, and in which order. Pure but for what it remembers of its last answer."""

from __future__ import annotations

from collections.abc import Sequence

from ipc.snapshot import EngineRow, JobRow, PoolRow
from tui.store import Store


def engines(store: Store, filter: str) -> list[EngineRow]:  # noqa: A002 (the word on screen)
    """Engines in the order of the configuration that contain `filter` (lower case) somewhere."""
    return [row for row in store.engines.values() if not filter or filter in _engine_text(row)]


def pools(store: Store, filter: str) -> list[PoolRow]:  # noqa: A002 (the word on screen)
    """Pools in the order of the configuration that contain `filter` (lower case) somewhere."""
    return [row for row in store.pools.values() if not filter or filter in _words(row.name, row.kind, *row.members)]


def engine_of(store: Store, name: str) -> EngineRow | None:
    """The engine of that name; of a pool, the first that is loaded, else its first."""
    pool = store.pools.get(name)
    if pool is None:
        return store.engines.get(name)
    return store.engines.get((*pool.residents, *pool.members)[0])


class JobIds:
    """The jobs that are shown, found anew only when one comes, goes or moves; under a filter, when any changes."""

    def __init__(self) -> None:
        self._found_for: tuple[int, int, str] | None = None
        self._ids: Sequence[str] = ()
        self._texts: dict[str, tuple[JobRow, str]] = {}

    def of(self, store: Store, filter: str) -> Sequence[str]:  # noqa: A002 (the word on screen)
        """Their ids in order that contain `filter` (lower case) somewhere; the same object until they differ."""
        wanted = (store.order.version, store.jobs_version if filter else 0, filter)
        if wanted != self._found_for:
            self._found_for = wanted
            found = [one for one in store.order.ids() if not filter or filter in self._text(store.jobs[one])]
            self._ids = self._ids if found == self._ids else found
            self._texts = self._texts if filter else {}
        return self._ids

    def _text(self, row: JobRow) -> str:
        """All its words, put together once for each row that was told."""
        known = self._texts.get(row.id)
        if known is None or known[0] is not row:
            known = row, _words(row.id, row.kind, row.engine, row.state, row.output, *row.inputs)
            self._texts[row.id] = known
        return known[1]


def _engine_text(row: EngineRow) -> str:
    return _words(row.name, row.kind, row.model or "", type(row.state).__name__, row.hold and "held", *row.pools)


def _words(*texts: str) -> str:
    return "\n".join(texts).lower()
