"""What nvitop sees on this box, as JSON: one object a GPU."""

from __future__ import annotations

import json
from typing import Any

from nvitop import NA, Device


def _plain(value: Any) -> Any:
    return None if value is NA or isinstance(value, float) and value != value else value


def main() -> None:
    """Print it."""
    print(
        json.dumps(
            [
                {
                    "name": _plain(device.name()),
                    "uuid": _plain(device.uuid()),
                    "bus": _plain(device.bus_id()),
                    "memory_total": _plain(device.memory_total()),
                    "memory_used": _plain(device.memory_used()),
                    "memory_free": _plain(device.memory_free()),
                    "utilisation": _plain(device.gpu_utilization()),
                    "memory_utilisation": _plain(device.memory_utilization()),
                    "temperature": _plain(device.temperature()),
                    "power": _plain(device.power_usage()),
                    "power_limit": _plain(device.power_limit()),
                    "fan": _plain(device.fan_speed()),
                    "sm_clock": _plain(device.sm_clock()),
                    "memory_clock": _plain(device.memory_clock()),
                    "ecc_uncorrected": _plain(device.total_volatile_uncorrected_ecc_errors()),
                    "display_active": _plain(device.display_active()),
                    "capability": _plain(device.cuda_compute_capability()),
                    "mig": [part.uuid() for part in device.mig_devices()],
                    "processes": {
                        str(pid): [process.type, _plain(process.gpu_memory())]
                        for pid, process in device.processes().items()
                    },
                }
                for device in Device.all()
            ]
        )
    )


if __name__ == "__main__":
    main()
