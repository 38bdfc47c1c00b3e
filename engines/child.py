"""`python -m engines.child KIND`: one engine in its process, as the supervisor spawns it."""

from __future__ import annotations

from engines.bootstrap import begin


def main() -> None:
    """Live until told to leave."""
    origin = begin()
    # After the death signal is set: these take 55 ms, most of the start.
    from engines.engine_role import EngineRole
    from engines.runtime import run

    run(origin, "engine", EngineRole)


if __name__ == "__main__":
    main()
