"""Models where the Hugging Face hub's own tools put them; used in place, through the links that bear their names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engines.llm import gguf


def in_hub(hub: Path) -> Iterator[tuple[Path, str]]:
    """Each model's file, and the repository it is from; of several revisions with the same file, the newest.

    Raises:
        OSError
    """
    if not hub.is_dir():
        return
    for repository in sorted(hub.iterdir()):
        if not repository.name.startswith("models--"):
            continue
        label = repository.name.removeprefix("models--").replace("--", "/")
        seen: set[Path] = set()
        for path in sorted(repository.glob("snapshots/*/**/*.gguf"), key=lambda path: _newest_first(repository, path)):
            blob = path.resolve()
            if blob not in seen and not gguf.is_further(path):
                seen.add(blob)
                yield path, label


def _newest_first(repository: Path, path: Path) -> tuple[float, str]:
    revision = path.relative_to(repository / "snapshots").parts[0]
    return -(repository / "snapshots" / revision).stat().st_mtime, str(path)
