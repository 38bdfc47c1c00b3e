"""What an environment is known by: everything that decides what comes out when it is made."""

from __future__ import annotations

from engines.environments.machine import Machine
from engines.environments.requirements import Requirements, digest


def build_key(requirements: Requirements, machine: Machine) -> str:
    """Of what is compiled: the same where the same would come out; empty where nothing is compiled.

    A native build fits one CPU; a CUDA build one CPU and the GPUs that it was made for.
    """
    if not requirements.built:
        return ""
    gpus = machine.capabilities if requirements.device == "cuda" else ()
    return digest([requirements.built, requirements.tools, requirements.device, machine.platform,
                   machine.python, machine.instructions, gpus])  # fmt: skip


def name_of(requirements: Requirements, machine: Machine) -> str:
    """The environment's name, which is its folder's: `llm-cuda-3f9a2c1b7d04`."""
    key = digest([requirements.digest, machine.platform, machine.python, build_key(requirements, machine)])
    return f"{requirements.kind}-{requirements.device}-{key}"
