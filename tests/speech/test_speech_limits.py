"""What the model cannot speak is refused before anything is computed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from speech_decode_kit import chunk, decoded, small_t3, text, voice

from engines.tts.decode.chunk import Chunk, Sampling
from engines.tts.decode.conditioning import conditioning
from engines.tts.decode.decoder import Decoder
from engines.tts.decode.limits import can_analyze, longest_text
from ipc.errors import RequestFailed


@pytest.fixture(scope="module")
def english() -> Any:
    return small_t3("english")


def test_a_text_as_long_as_the_table_is_spoken_and_one_token_more_is_refused(english: Any) -> None:
    assert longest_text(english) == 2050
    assert len(decoded(Decoder(english, "fp32"), [chunk(english, 2050, limit=2)])[0]) == 2
    decoder, other = Decoder(english, "fp32"), chunk(english, 9, limit=2)
    with pytest.raises(RequestFailed, match="2051 tokens"):
        decoder.begin([other, chunk(english, 2051)])
    assert decoder.aloft == 0


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"text": torch.zeros(0, dtype=torch.long)}, "0 tokens"),
        ({"text": torch.tensor([255, 704, 0])}, "outside of the model's 704"),
        ({"text": torch.tensor([255, -1, 0])}, "outside"),
        ({"limit": 4101}, "writes up to 4100"),
        ({"limit": 0}, "0 tokens are asked for"),
        ({"sampling": Sampling(repetition_penalty=0.0)}, "penalty"),
        ({"analyze": True}, "alignment analyzer"),
    ],
)
def test_what_would_fail_later_is_refused_in_words(english: Any, changed: dict[str, Any], told: str) -> None:
    one = chunk(english, 9)
    for name, value in changed.items():
        setattr(one, name, value)
    with pytest.raises(RequestFailed, match=told) as refused:
        Decoder(english, "fp32").begin([one])
    assert refused.value.problem.hint


def test_turbos_one_table_holds_text_and_speech() -> None:
    turbo = small_t3("turbo")
    one = Chunk(text(100), conditioning(turbo, voice(), 0.5), Sampling(), 0, 10, 8196 - 41 - 100)
    with pytest.raises(RequestFailed, match="writes up to 8196"):
        Decoder(turbo, "fp32").begin([one])


def test_only_the_full_multilingual_model_can_be_analyzed(english: Any) -> None:
    assert not can_analyze(english)
    assert not can_analyze(small_t3("multilingual"))


def test_the_conditioning_is_the_librarys_and_leaves_nothing_behind(english: Any) -> None:
    from chatterbox.models.t3.modules.cond_enc import T3Cond

    given = voice()
    before = given.speaker.clone()
    ours = conditioning(english, given, 0.7)
    cond = T3Cond(given.speaker, None, given.prompt, None, 0.7 * torch.ones(1, 1, 1))
    with torch.no_grad():
        assert torch.equal(ours, english.prepare_conditioning(cond)[0])
    assert not ours.requires_grad
    assert torch.equal(given.speaker, before)
    assert torch.equal(ours, conditioning(english, given, 0.7))
    assert not torch.equal(ours, conditioning(english, given, 0.2))
