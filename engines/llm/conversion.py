"""The library's quantization, and its rehearsal: what its log says about each tensor, as numbers."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import llama_cpp as lib

from engines.llm import gguf
from engines.llm.context import thread_count
from engines.llm.gguf import Contents
from engines.llm.header import Header, header_of
from engines.llm.library import open_library

_TENSOR = re.compile(r"\[ *(\d+)/ *(\d+)\] +(\S+)")
_CONVERTED = re.compile(r"\] +(\S+) +- \[[^\]]*\], type = +\S+ *size = +[\d.]+ MiB -> +[\d.]+ MiB \((\w+)\)")
_KINDS = {
    "f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_K": 10, "q3_K": 11, "q4_K": 12,
    "q5_K": 13, "q6_K": 14, "iq4_nl": 20, "bf16": 30,
}  # fmt: skip
"""ggml's tensor types that quantization to our levels may use, by the name in the log."""


LIBRARY = f"llama-cpp-python {lib.__version__}"


class Refused(Exception):
    """The library would not, with its own words."""


def planned(source: Path, file_type: int) -> Header:
    """The header that the result will have, exact in its sizes; takes some milliseconds and no memory.

    Raises:
        Refused, CannotLoad
    """
    contents = gguf.check(source)
    with open_library().hearing() as heard:
        _run(source, source.with_name("nothing.gguf"), file_type, threads=1, dry=True)
    return header_of(_with_kinds(contents, file_type, heard))


def convert(source: Path, target: Path, file_type: int, threads: int, step: Callable[[float, str], None]) -> None:
    """Write `target`; `step` hears how far it is, 0..1, and at which tensor.

    Raises:
        Refused, CannotLoad: what was written is to be removed.
    """
    sizes = {tensor.name: tensor.bytes for one in gguf.check(source) for tensor in one.tensors}
    whole = sum(sizes.values()) or 1
    before = 0

    def listen(line: str) -> None:
        nonlocal before
        if match := _TENSOR.match(line):
            step(before / whole, f"tensor {match[1]} of {match[2]}")
            before += sizes.get(match[3], 0)

    with open_library().hearing(listen):
        _run(source, target, file_type, thread_count(threads), dry=False)


def _run(source: Path, target: Path, file_type: int, threads: int, *, dry: bool) -> None:
    parameters = lib.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread, parameters.dry_run = file_type, threads, dry
    parameters.allow_requantize = True  # a source that lost numbers already is better than none, and is warned of
    library = open_library()
    library.forget()
    if lib.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters)) != 0:
        raise Refused(library.complaint() or "the library gave no reason")


def _with_kinds(contents: Iterable[Contents], file_type: int, log: Iterable[str]) -> list[Contents]:
    kinds = {name: _KINDS[kind] for name, kind in _CONVERTED.findall("".join(log)) if kind in _KINDS}
    changed = [
        replace(one, tensors=tuple(replace(tensor, kind=kinds.get(tensor.name, tensor.kind)) for tensor in one.tensors))
        for one in contents
    ]
    changed[0] = replace(changed[0], values={**changed[0].values, "general.file_type": file_type})
    return changed
