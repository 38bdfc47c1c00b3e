"""`python -m engines.environments.cards`: the GPUs of this box in one line of JSON.

A process of its own, because a driver that hangs must not take with it whoever asks.
"""

from __future__ import annotations

import sys

import msgspec

from engines.gpu_memory import cards


def main() -> None:
    """Print them."""
    sys.stdout.write(f"{msgspec.json.encode(cards()).decode()}\n")


if __name__ == "__main__":
    main()
