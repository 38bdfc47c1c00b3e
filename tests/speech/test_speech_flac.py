"""Sound kept as FLAC comes back to 16 bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from engines.tts.sound.flac import decode, encode


def test_sound_comes_back_from_memory_and_from_a_file(tmp_path: Path) -> None:
    samples = (0.9 * np.sin(np.arange(4800) / 20)).astype(np.float32)
    kept = encode(samples)
    (tmp_path / "take.flac").write_bytes(kept)
    for back in (decode(kept), decode(tmp_path / "take.flac")):
        assert back.dtype == np.float32
        np.testing.assert_allclose(back, samples, atol=1 / 32768)
    told = soundfile.info(tmp_path / "take.flac")
    assert (told.samplerate, told.channels, told.format, told.subtype) == (24000, 1, "FLAC", "PCM_16")


def test_an_empty_sound_is_a_file_that_can_be_read() -> None:
    assert decode(encode(np.zeros(0, np.float32))).tolist() == [0.0]


def test_what_is_too_loud_is_cut_at_full_scale() -> None:
    assert np.abs(decode(encode(np.array([2.0, -2.0, 0.5], np.float32)))).tolist()[:2] == [32767 / 32768, 1.0]
