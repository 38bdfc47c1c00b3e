"""How much of everything: what one run does, and the room that it does it to."""

from __future__ import annotations

from dataclasses import dataclass

FAKES = ("one", "two", "three", "four")
JOINING = FAKES[:2]
"""Of the fakes, those whose flights join."""
WRITER = "writer"
HANG_SECONDS = 2.0
"""Silence or standstill that counts as hung here: short, because every stop waits for it."""

# Stops count as hangs and come by the hundred, so these engines may die of their own fault as often as an operator of
# such a box would allow.
CONFIG = "".join(
    f'[engine.{name}]\nkind = "fake"\npreload = true\nseconds_per_unit = 0.08\nhang_after = {HANG_SECONDS}\n'
    f"stall_after = {HANG_SECONDS}\nstart_limit = 10\nrestarts = 50\nrestarts_within = 10\n"
    f"joining = {str(name in JOINING).lower()}\n\n"
    for name in FAKES
) + (
    f'[engine.{WRITER}]\nkind = "llm"\npreload = true\ndeterministic = true\nparallel = 2\nthreads = 1\n'
    f"max_tokens = 12\nhang_after = {HANG_SECONDS}\nstart_limit = 20\nrestarts = 50\nrestarts_within = 10\n"
)


@dataclass(frozen=True)
class Scale:
    """The numbers that are asked for, and those that follow from them."""

    seed: int = 1
    engine_kills: int = 30
    stops: int = 6
    """Engines and desks."""
    supervisor_kills: int = 4
    units: int = 600

    @property
    def desk_stops(self) -> int:
        """Of the stops; few, because a desk is found hung after 10 s."""
        return max(1, self.stops // 10)

    @property
    def desk_kills(self) -> int:
        """Added to the engines'."""
        return max(1, self.engine_kills // 20)

    @property
    def keeper_kills(self) -> int:
        """Of the one who brings the supervisor back."""
        return max(1, self.supervisor_kills // 4)

    @property
    def storms(self) -> int:
        """Of clients, `CLIENTS` each."""
        return max(1, self.engine_kills // 20)

    @property
    def changes(self) -> int:
        """Of settings."""
        return max(1, self.engine_kills // 4)

    @property
    def pauses(self) -> int:
        """Of jobs, each resumed a moment later."""
        return max(1, self.engine_kills // 20)
