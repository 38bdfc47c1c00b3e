"""Speech tokens become the sound that the library makes of them, alone and in company."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import speech_sound_kit as kit
import torch

from engines.tts.sound.flow import Flow, Piece
from engines.tts.sound.render import Sound, Take

pytest_plugins = ["speech_fixtures"]

SAMPLES_PER_TOKEN = 960
SILENCE = [4299, 4299, 4299]


def _nothing() -> None:
    pass


@pytest.fixture(scope="module", autouse=True)
def _sizes(miniature: Path) -> None:
    """The library's classes are small from here on."""


@pytest.fixture(scope="module")
def watermarker() -> Any:
    import perth

    return perth.PerthImplicitWatermarker()


@functools.cache  # its many modules take a second to make
def _sound(meanflow: bool = False) -> Sound:
    return Sound(kit.s3gen(meanflow), None, "fp32")


def _render(sound: Sound, *takes: Take, steps: int = 2, together: bool = True) -> list[Any]:
    made: list[Any] = sound.render(takes, steps, watermark=False, together=together, step=_nothing)
    return made


@pytest.mark.parametrize(("meanflow", "steps"), [(False, 10), (True, 2)])
def test_a_take_is_what_the_library_makes_of_it(meanflow: bool, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken, voice = kit.tokens(20), kit.voice()
    (ours,) = _render(_sound(meanflow), Take(spoken, voice, 7), steps=steps)
    ending = SILENCE if meanflow else []
    theirs = kit.library_sound(kit.s3gen(meanflow), [*spoken, *ending], voice.reference, 7, steps, monkeypatch)
    assert ours.dtype == np.float32
    assert len(ours) == len(theirs) == SAMPLES_PER_TOKEN * len([*spoken, *ending])
    assert np.abs(theirs).max() > 0.01
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("meanflow", [False, True])
def test_takes_of_any_length_and_voice_are_the_same_in_company(meanflow: bool) -> None:
    flow = Flow(kit.s3gen(meanflow).flow, torch.float32)
    pieces = [
        Piece(torch.tensor(kit.tokens(count, count)), kit.voice(prompt, prompt).reference, count)
        for count, prompt in ((40, 25), (23, 25), (31, 12), (1, 25))
    ]
    with torch.inference_mode():
        together = flow.mels(pieces, 3, _nothing)
        singles = [flow.mels([piece], 3, _nothing)[0] for piece in pieces]
    for piece, mel, alone in zip(pieces, together, singles, strict=True):
        assert mel.shape == alone.shape == (80, 2 * len(piece.tokens))
        torch.testing.assert_close(mel, alone, atol=1e-4, rtol=0)


def test_takes_come_back_in_their_order() -> None:
    sound = _sound()
    takes = [Take(kit.tokens(count, count), kit.voice(), count) for count in (3, 9, 5)]
    for take, made in zip(takes, _render(sound, *takes), strict=True):
        np.testing.assert_allclose(made, _render(sound, take, together=False)[0], atol=1e-4)


def test_the_seed_alone_decides_what_is_left_to_chance() -> None:
    sound, take = _sound(), Take(kit.tokens(6), kit.voice(), 1)
    torch.manual_seed(1)
    (first,) = _render(sound, take)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    (again,) = _render(sound, take)
    assert np.array_equal(first, again)
    assert torch.equal(torch.get_rng_state(), before)
    (other,) = _render(sound, Take(take.tokens, take.voice, 2))
    assert not np.allclose(first, other, atol=1e-3)


@pytest.mark.parametrize("meanflow", [False, True])
def test_takes_of_hardly_any_tokens_have_their_length(meanflow: bool) -> None:
    made = _render(_sound(meanflow), *(Take(kit.tokens(count), kit.voice(), 0) for count in range(4)))
    ending = len(SILENCE) if meanflow else 0
    assert [len(sound) for sound in made] == [0, *(SAMPLES_PER_TOKEN * (count + ending) for count in (1, 2, 3))]
    assert all(np.isfinite(sound).all() for sound in made)


def test_tokens_without_sound_are_left_out() -> None:
    spoken = kit.tokens(5)
    one, other, none = _render(
        _sound(),
        Take(spoken, kit.voice(), 0),
        Take([6561, *spoken[:2], 6562, *spoken[2:], 8000], kit.voice(), 0),
        Take([6561, 6562], kit.voice(), 0),
    )
    assert np.array_equal(one, other)
    assert len(none) == 0


def test_a_step_that_raises_ends_the_work_and_the_next_goes_well() -> None:
    class Cancelled(Exception):
        pass

    steps = []

    def step() -> None:
        steps.append(1)
        if len(steps) == 3:
            raise Cancelled

    sound, take = _sound(), Take(kit.tokens(4), kit.voice(), 0)
    (whole,) = _render(sound, take, steps=4)
    with pytest.raises(Cancelled):
        sound.render([take], 4, watermark=False, together=True, step=step)
    assert len(steps) == 3
    assert np.array_equal(_render(sound, take, steps=4)[0], whole)


def test_each_step_of_the_flow_and_each_vocoding_is_heard_of() -> None:
    steps: list[int] = []
    takes = [Take(kit.tokens(4), kit.voice(), 0), Take(kit.tokens(4), kit.voice(), 1)]
    _sound().render(takes, 5, watermark=False, together=False, step=lambda: steps.append(1))
    assert len(steps) == 2 * 5 + 2


def test_the_parts_that_listen_are_not_needed_for_sound() -> None:
    made_by = kit.s3gen(False)
    for part in (made_by.tokenizer, made_by.speaker_encoder):
        part.to("meta")
    take = Take(kit.tokens(2), kit.voice(), 0)
    assert np.array_equal(_render(Sound(made_by, None, "fp32"), take)[0], _render(_sound(), take)[0])


def test_a_mark_is_in_the_sound_where_it_is_wanted(watermarker: Any) -> None:
    sound = Sound(kit.s3gen(False), watermarker, "fp32")
    take = Take(kit.tokens(25), kit.voice(), 0)
    marked, again, plain = (
        sound.render([take], 2, watermark=wanted, together=True, step=_nothing)[0] for wanted in (True, True, False)
    )
    assert watermarker.get_watermark(marked, 24000).mean() > 0.9
    assert watermarker.get_watermark(plain, 24000).mean() < 0.7
    assert np.array_equal(marked, again)
    assert len(marked) == len(plain)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_coarser_steps_lead_to_nearly_the_same(precision: torch.dtype) -> None:
    pieces = [Piece(torch.tensor(kit.tokens(count)), kit.voice().reference, count) for count in (30, 12)]
    made_by = kit.s3gen(False)
    with torch.inference_mode():
        fine, coarse = (Flow(made_by.flow, dtype).mels(pieces, 10, _nothing) for dtype in (torch.float32, precision))
    for one, other in zip(fine, coarse, strict=True):
        assert other.dtype == torch.float32
        assert torch.nn.functional.cosine_similarity(one, other, dim=0).min() > 0.99
