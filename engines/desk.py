"""`python -m engines.desk KIND`: a kind's desk in its process: plans sources into units, assembles outputs."""

from __future__ import annotations

from engines.bootstrap import begin


def main() -> None:
    """Live until told to leave."""
    origin = begin()
    # After the death signal is set: these take 55 ms, most of the start.
    from engines.desk_role import DeskRole
    from engines.runtime import run

    run(origin, "desk", DeskRole)


if __name__ == "__main__":
    main()
