"""Hearing: what programs ask an engine that listens, and what it answers, which client and engine read alike.

Times are seconds from the beginning of the recording or of the live stream.
"""

from __future__ import annotations

from msgspec import Struct

KIND = "stt"
LIVE_RATE = 16000
"""Live audio travels as signed 16-bit little-endian samples, mono, so many a second."""


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to listen to, and how; what is left out is as the engine is set.

    With `live`, audio comes as it is fed, and the answer's pieces are lines of JSON, each a `Live`.
    """

    live: bool = True
    language: str | None = None
    task: str | None = None
    prompt: str | None = None
    hotwords: str | None = None


class Word(Struct, frozen=True, array_like=True):
    """One word, and how sure the model is of it, 0..1."""

    begin: float
    end: float
    text: str
    probability: float


class Segment(Struct, frozen=True, omit_defaults=True):
    """A phrase as the model divided it. `logprob` is the mean natural logarithm of its tokens' probabilities."""

    begin: float
    end: float
    text: str
    logprob: float
    no_speech: float
    """The model's own probability that nobody speaks."""
    compression: float
    """Bytes of the text ÷ bytes of it compressed: what repeats itself is high."""
    temperature: float = 0.0
    words: tuple[Word, ...] = ()


class Dropped(Struct, frozen=True, omit_defaults=True):
    """A stretch that nothing was written of, and why.

    That is `silent`, `no speech`, `phantom phrase`, `not believed`, `repeats`, or, in a transcript whose unit failed,
    `not transcribed`.
    """

    begin: float
    end: float
    why: str
    text: str = ""
    """What the model made of it."""
    logprob: float | None = None
    no_speech: float | None = None


class Heard(Struct, frozen=True, omit_defaults=True):
    """What was heard in one stretch of a recording."""

    segments: tuple[Segment, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    language: str = ""
    language_probability: float | None = None
    model: str = ""
    """Which model heard it, and what it computed in, such as `small int8`."""
    begin: float = 0.0
    end: float = 0.0
    """Of the stretch."""


class Live(Struct, frozen=True, omit_defaults=True):
    """What changed in a live transcript. What was committed stays; a guess replaces the guess before."""

    at: float
    """Seconds of audio that this is of."""
    commit: str = ""
    """The next committed characters, which begin with a space where a word begins, but for the very first."""
    guess: str = ""
    """What may follow, as it sounds so far."""
    ended: bool = False
    """A silence ended what was said."""


class Listened(Struct, frozen=True, omit_defaults=True):
    """The answer to a live wish: all that was committed."""

    text: str
    seconds: float
    """Of audio."""
    words: int
    language: str = ""
    model: str = ""
