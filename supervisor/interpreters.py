"""The Python that an engine or desk runs in: its own as configured, its kind's environment, else the supervisor's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from engines.environments.machine import this_machine
from engines.environments.present import chosen
from supervisor.slot import Slot


class Interpreters:
    """`capabilities` tells the compute capability of every GPU that is here now.

    The folder is looked at each time, so that a new environment is taken at the next start: its records are small, and
    the start of a process reads far more from the same disk.
    """

    def __init__(self, environments: Path, capabilities: Callable[[], Iterable[str]]) -> None:
        self._environments = environments
        self._capabilities = capabilities

    def of(self, slot: Slot) -> str:
        """The one that it runs in; of one without a process, the one that it would start in now."""
        return slot.python or slot.runs_in or self._chosen(slot)

    def _chosen(self, slot: Slot) -> str:
        machine = this_machine(self._capabilities())
        on_gpu = not slot.is_desk and slot.settings.gpu != "cpu"  # a desk computes nothing on a GPU
        environment = chosen(self._environments, slot.kind, machine, on_gpu=on_gpu)
        return sys.executable if environment is None else str(environment.python)
