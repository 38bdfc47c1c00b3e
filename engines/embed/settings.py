"""The knobs of an embedding engine."""

from __future__ import annotations

from typing import Annotated

from engines.settings import EngineSettings, knob
from ipc.snapshot import Scalar

MINILM = "minilm"
"""The name that `engineroom models import minilm` gives the demonstration model."""


class EmbedSettings(EngineSettings, frozen=True, kw_only=True):
    """Settings of one embedding engine, which serves every program and job at once."""

    model: Annotated[
        str,
        knob(
            "",
            "model",
            "a folder made by `engineroom models import`: its path, or its name in the data folder",
            recommend="an absolute path",
        ),
    ] = MINILM
    batch_size: Annotated[
        int,
        knob(
            "texts",
            "now",
            "texts computed together, and texts of the source in one unit of a job",
            ge=1,
            le=1000,
            recommend="32 on a CPU, 256 on a GPU",
        ),
    ] = 32
    threads: Annotated[int, knob("threads", "context", "CPU threads; 0 means physical cores − 1", ge=0, le=512)] = 0
    max_tokens: Annotated[
        int, knob("tokens", "flight", "a longer text is cut there; 0 means as the model was made", ge=0, le=131072)
    ] = 0
    wait_ms: Annotated[
        float,
        knob("ms", "now", "how long a request may wait for others to be computed with", ge=0, le=1000),
    ] = 2.0
    cache_entries: Annotated[
        int, knob("texts", "now", "texts whose vectors are kept; 0 keeps none", ge=0, le=10_000_000)
    ] = 200
    cache_bytes: Annotated[
        int, knob("bytes", "now", "memory that the kept vectors may take", ge=0, le=1099511627776)
    ] = 1073741824
    cache_keep: Annotated[bool, knob("", "now", "kept vectors survive a restart, in the data folder")] = False

    def process_environment(self) -> dict[str, str]:
        """Texts are cut into tokens on the one thread that works: threads beside it would only take turns."""
        return {"TOKENIZERS_PARALLELISM": "false", "OMP_WAIT_POLICY": "PASSIVE"}

    def joins(self) -> bool:
        """Requests that come while others are computed are computed with them."""
        return True

    def shape(self) -> dict[str, Scalar]:
        """What is computed at once, and what is kept."""
        return {
            "batch_size": self.batch_size,
            "max_tokens": self.max_tokens,
            "cache_entries": self.cache_entries,
            "cache_bytes": self.cache_bytes,
        }

    def planning(self) -> dict[str, Scalar]:
        """How many texts one unit has."""
        return {"batch_size": self.batch_size}

    def step_down(self) -> dict[str, Scalar]:
        """Smaller batches, then shorter texts are not offered: a vector of a cut text is another vector."""
        if self.parallel > 1:
            return {"parallel": self.parallel // 2}
        if self.batch_size > 1:
            return {"batch_size": self.batch_size // 2}
        return {} if self.gpu == "cpu" else {"gpu": "cpu"}
