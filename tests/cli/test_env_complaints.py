"""What `pip check` complains of, and what of it is known and accepted."""

from __future__ import annotations

import pytest

from cli.environments.complaints import faults

PINNED = 'chatterbox-tts 0.1.7 has requirement torch==2.6.0; python_version < "3.14", but you have torch 2.13.0.'
LEFT_OUT = "chatterbox-tts 0.1.7 requires gradio, which is not installed."
OTHER = "librosa 0.11.0 requires pooch, which is not installed."
WARNING = "WARNING: There was an error checking the latest version of pip."


@pytest.mark.parametrize(
    ("lines", "unkept", "left"),
    [
        ((PINNED, LEFT_OUT), ("chatterbox-tts",), ()),
        ((PINNED, LEFT_OUT), ("Chatterbox_TTS",), ()),
        ((PINNED, LEFT_OUT), (), (PINNED, LEFT_OUT)),
        ((PINNED, LEFT_OUT), ("chatterbox",), (PINNED, LEFT_OUT)),
        ((PINNED, OTHER), ("chatterbox-tts",), (OTHER,)),
        ((PINNED, OTHER), ("chatterbox-tts", "gradio", "pooch"), (OTHER,)),
        ((WARNING, PINNED, ""), ("chatterbox-tts",), ()),
        (
            (PINNED, "torch 2.13.0 is not supported on this platform"),
            ("chatterbox-tts",),
            ("torch 2.13.0 is not supported on this platform",),
        ),
        (("Traceback (most recent call last):",), ("chatterbox-tts",), ("Traceback (most recent call last):",)),
        ((), ("chatterbox-tts",), ("pip check failed and said nothing",)),
    ],
)
def test_only_what_is_said_of_marked_packages_is_accepted(
    lines: tuple[str, ...], unkept: tuple[str, ...], left: tuple[str, ...]
) -> None:
    assert faults(lines, unkept) == left
