"""`python -m engines.environments.selftest KIND DEVICE`: says in one line of JSON which device really computes.

Runs in a process of the environment that is tested. The kind's own part is `compute` of `engines/<kind>/selftest.py`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Protocol

import msgspec

from engines.contract import OutOfMemory
from engines.environments.record import SelfTest
from engines.environments.requirements import DEVICES, Device
from ipc.errors import EngineRoomError


class ComputeFunction(Protocol):
    """`compute` of a kind: one small piece of real work on the device, and where it was really done.

    May raise ImportError, OSError, RuntimeError, ValueError or EngineRoomError: then the test failed.
    """

    def __call__(self, device: Device) -> SelfTest: ...


def main() -> None:
    """Test, and print the answer as the last line."""
    kind, told = sys.argv[1:]
    device = next(one for one in DEVICES if one == told)
    said = tested(kind, device)
    sys.stdout.write(f"\n{msgspec.json.encode(said).decode()}\n")


def tested(kind: str, device: Device) -> SelfTest:
    """The kind's own test, which failed where it computed elsewhere than asked."""
    try:
        compute: ComputeFunction = import_module(f"engines.{kind}.selftest").compute
        return judged(compute(device), device)
    except OutOfMemory as error:
        return SelfTest(False, "", f"there was no memory for it: {error.problem}", later=True)
    except EngineRoomError as error:
        return SelfTest(False, "", f"it cannot compute: {error.problem}")
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        return SelfTest(False, "", f"it cannot compute: {type(error).__name__}: {error}")


def judged(said: SelfTest, device: Device) -> SelfTest:
    """A test for CUDA that ended on the CPU is no success, whatever it computed."""
    if said.device == device or not said.ok:
        return said
    text = f"asked for {device}, it computed on {said.device or 'nothing'}: {said.text}"
    return SelfTest(False, said.device, text, said.foreign)


if __name__ == "__main__":
    main()
