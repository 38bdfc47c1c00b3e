"""`python -m engines.llm.quantizer`: makes one level of a model, measures what was lost, says each step as a line.

A process of its own, because the library cannot be stopped in the midst of it: whoever spawned it kills it.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from engines.bootstrap import die_with
from engines.contract import CannotLoad
from engines.llm import header
from engines.llm.buffers import NO_LIBRARY
from engines.llm.cache import Made
from engines.llm.files import ModelFile
from engines.llm.order import Finished, GaveUp, Line, Order, Step
from ipc.errors import Problem

SPARE_BYTES = 16 * 2**20
"""Left free on the disk beside what is made."""
_FULL_BYTES = 2**20
"""A disk with less than that left, after a write failed, is full."""
_CONVERTING, _MEASURED = 0.9, 0.95
"""Where of the whole the measuring begins, and where that of the source has ended."""
Hears: TypeAlias = Callable[[float, str], None]


def main() -> None:
    """Do what the argument says."""
    order = msgspec.json.decode(sys.argv[1], type=Order)
    die_with(order.parent)
    lines = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what the library prints must not come between our lines

    def say(line: Line) -> None:
        lines.write(msgspec.json.encode(line) + b"\n")

    try:
        say(Finished(quantize(order, lambda fraction, text: say(Step(fraction, text)))))
    except CannotLoad as error:
        say(GaveUp(error.problem))
    except OSError as error:
        say(GaveUp(not_written(Path(order.target).parent, error.strerror or str(error))))


def quantize(order: Order, hear: Hears) -> Made:
    """Make the file of `order` and bring it to the disk; a broken one may be left if it raises.

    Raises:
        CannotLoad: the library refuses, or there is no room on the disk.
        OSError
    """
    try:
        from engines.llm import conversion
    except NO_LIBRARY as error:
        raise CannotLoad(
            Problem("No llama.cpp", f"llama-cpp-python cannot be used: {error}.", "pip install 'engineroom[llm]'")
        ) from error
    source, target = ModelFile(Path(order.source), header.read(Path(order.source))), Path(order.target)
    try:
        planned = conversion.planned(source.path, order.file_type)
    except conversion.Refused as error:
        raise _refused(order, source, str(error)) from error
    beside = source.file_bytes() - source.header.weight_bytes  # the header, with the vocabulary
    _check_room(target.parent, planned.weight_bytes + beside)
    target.touch()  # the library does not say why it cannot write
    started = time.monotonic()
    try:
        conversion.convert(
            source.path, target, order.file_type, order.threads, lambda done, at: hear(_CONVERTING * done, at)
        )
    except conversion.Refused as error:
        if shutil.disk_usage(target.parent).free < _FULL_BYTES:
            raise CannotLoad(not_written(target.parent, "the disk is full")) from error
        raise _refused(order, source, str(error)) from error
    result = ModelFile(target, header.read(target))
    if (result.header.level, result.header.weight_bytes) != (order.level, planned.weight_bytes):
        raise _refused(order, source, "what it wrote is not what was asked for")
    descriptor = os.open(target, os.O_RDWR)
    os.fsync(descriptor)
    os.close(descriptor)
    seconds = time.monotonic() - started
    before, after, tokens = _lost(source.path, target, order.threads, hear)
    return Made(
        file=target.name,
        name=result.header.name or source.path.stem,
        level=order.level,
        quantization=result.header.quantization,
        bytes=target.stat().st_size,
        seconds=seconds,
        source=order.source,
        source_level=source.header.level,
        source_quantization=source.header.quantization,
        identity=order.identity,
        perplexity_before=before,
        perplexity_after=after,
        tokens=tokens,
        library=conversion.LIBRARY,
        made_unix=time.time(),
    )


def not_written(folder: Path, why: str) -> Problem:
    """The sentence for a cache that cannot be written."""
    return Problem(
        "Level not made",
        f"{folder}: {why}.",
        "Make room, or set ENGINEROOM_DATA to a folder on another disk; `engineroom models list` shows what was made.",
    )


def _lost(source: Path, result: Path, threads: int, hear: Hears) -> tuple[float | None, float | None, int]:
    """Perplexity before and after, on so many tokens; none where either cannot be measured."""
    from engines.llm.perplexity import perplexity

    share = _MEASURED - _CONVERTING
    before = perplexity(source, threads, lambda done: hear(_CONVERTING + share * done, "measuring the source"))
    if before is None:
        return None, None, 0
    after = perplexity(result, threads, lambda done: hear(_MEASURED + share * done, "measuring what was made"))
    return (None, None, 0) if after is None else (before[0], after[0], before[1])


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise CannotLoad(
            not_written(folder, f"~{needed / 2**20:.1f} MiB are to be written and {free / 2**20:.1f} MiB are free")
        )


def _refused(order: Order, source: ModelFile, why: str) -> CannotLoad:
    made_of = f"{source.path.name} ({source.header.quantization or source.header.level})"
    return CannotLoad(
        Problem(
            "Level not made",
            f"llama.cpp makes no {order.level} of {made_of}: {why}.",
            f"Download its {order.level} file and put it beside the other, or choose another level.",
        )
    )


if __name__ == "__main__":
    main()
