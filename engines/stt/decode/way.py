"""How one window is decoded: all that decides which text comes out of its sound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """Windows whose `Way` is the same may be decoded together."""

    language: str
    """Such as `en`."""
    task: str = "transcribe"
    prompt: str = ""
    hotwords: str = ""
    beam_size: int = 5
    timestamps: bool = True
    """Let the model divide a window into phrases; without it a window is one."""
    words: bool = False
    """Tell when each word begins and ends."""
    temperature: float = 0.0
    """Above 0 tokens are drawn by chance, the likelier the colder."""
    strict: bool = False
    """Three words in a row come but once: what the ladder has instead of chance."""
