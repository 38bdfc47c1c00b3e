"""A text that is not to be believed is made again, colder first; which of them stands in the end.

The thresholds are Whisper's own (OpenAI's `decode_with_fallback`): a text that repeats itself or is unlikely is tried
again, but not what the model takes for silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from engines.stt.decode.judge import silent
from engines.stt.decode.take import Take
from engines.stt.settings import SttSettings
from ipc.errors import Problem, RequestFailed

_HOTTEST: Final = 2.0


class Rung(NamedTuple):
    """One way to try."""

    temperature: float
    strict: bool = False


def rungs(settings: SttSettings, *, deterministic: bool) -> tuple[Rung, ...]:
    """What to try, in this order.

    The library's chance cannot be seeded once its threads run, so deterministic work has none: there a text that is not
    believed is made again without repetitions.

    Raises:
        RequestFailed: `temperatures` are none.
    """
    try:
        told = [float(word) for word in settings.temperatures.replace(",", " ").split()]
    except ValueError:
        told = [-1.0]
    if not told or not all(0 <= one <= _HOTTEST for one in told):
        raise RequestFailed(
            Problem(
                "Bad temperatures",
                f"temperatures = {settings.temperatures!r} are not numbers from 0 to {_HOTTEST:g}.",
                "Set them to such as: 0 0.2 0.4 0.6 0.8 1",
            )
        )
    if deterministic:
        return (Rung(0.0), Rung(0.0, strict=True)) if len(told) > 1 else (Rung(0.0),)
    return tuple(Rung(one) for one in told)


def believed(take: Take, settings: SttSettings) -> bool:
    """Whether it stands as it is."""
    if silent(take, settings):
        return True
    return take.compression <= settings.most_compression and take.logprob >= settings.least_logprob


def best(takes: Sequence[Take], settings: SttSettings) -> Take:
    """The last, where that is believed; else the likeliest of those that do not repeat themselves, or of all."""
    if believed(takes[-1], settings):
        return takes[-1]
    plain = [take for take in takes if take.compression <= settings.most_compression]
    return max(plain or takes, key=lambda take: take.logprob)
