"""What the quantizer is told, and the lines that it says: JSON, one a line."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from engines.appraisal import Level
from engines.llm.cache import Made
from ipc.errors import Problem


class Order(Struct, frozen=True):
    """The one argument. The file `target` is to be made of `source`, whose identity that is, for process `parent`."""

    source: str
    identity: str
    target: str
    level: Level
    file_type: int
    threads: int
    parent: int


class Step(Struct, frozen=True, tag="step"):
    """How far it is, 0..1, and at what."""

    fraction: float
    text: str


class Finished(Struct, frozen=True, tag="finished"):
    """The file is whole and on the disk."""

    made: Made


class GaveUp(Struct, frozen=True, tag="gave-up"):
    """Why nothing was made."""

    problem: Problem


Line: TypeAlias = Step | Finished | GaveUp
