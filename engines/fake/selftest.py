"""The self-test of a `fake` environment: that what every engine's process imports is there."""

from __future__ import annotations

from engines.environments.record import SelfTest
from engines.environments.requirements import Device


def compute(device: Device) -> SelfTest:
    """Bring in the runtime and the engine; a fake one computes on the CPU, whatever is asked. Raises ImportError."""
    import engines.engine_role
    import engines.fake.engine
    import engines.runtime  # noqa: F401

    return SelfTest(True, "cpu", "the runtime starts")
