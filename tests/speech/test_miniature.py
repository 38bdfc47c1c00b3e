"""The miniatures run the whole real path of the library, and end when they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from engines.tts.miniature.make import make
from engines.tts.miniature.shrink import Sizes
from engines.tts.miniature.stops import PACE
from engines.tts.pace import fastest
from engines.tts.unit import RATE, TOKENS_PER_SECOND

pytest_plugins = ["speech_fixtures"]
# The library's own way to sound, with its imports, keeps a core busy for a minute, and here others compute as well.
pytestmark = pytest.mark.timeout(300)

SAMPLES = RATE // TOKENS_PER_SECOND
SENTENCE = "The night was cold and clear, and nobody in the whole of the small town was awake to see it."


def written(model: Any, text: str, most: int = 1000, temperature: float = 0.8) -> list[int]:
    """The speech tokens of the English model, with its stop token."""
    ids = model.tokenizer.text_to_tokens(text)
    ids = torch.nn.functional.pad(torch.nn.functional.pad(torch.cat([ids, ids]), (1, 0), value=255), (0, 1), value=0)
    torch.manual_seed(0)
    tokens = model.t3.inference(
        t3_cond=model.conds.t3, text_tokens=ids, max_new_tokens=most, temperature=temperature, cfg_weight=0.5, top_p=1.0
    )
    numbers: list[int] = tokens[0].tolist()
    return numbers


def english(folder: Path) -> Any:
    from chatterbox.tts import ChatterboxTTS

    return ChatterboxTTS.from_local(folder, "cpu")


def tokens_of(sound: torch.Tensor) -> float:
    assert sound.shape[1] % SAMPLES == 0
    return float(sound.shape[1] / SAMPLES)


def heard(sound: torch.Tensor) -> bool:
    return bool(torch.isfinite(sound).all()) and float(sound.pow(2).mean().sqrt()) > 0.005


def test_the_library_speaks_english_with_one_for_as_long_as_the_text_takes(miniature: Path) -> None:
    model = english(miniature)
    torch.manual_seed(0)
    sound = model.generate(SENTENCE)
    assert tokens_of(sound) == pytest.approx(PACE * len(SENTENCE), rel=0.1)
    assert heard(sound)
    assert tokens_of(model.generate("Yes.")) < 25


def test_the_library_speaks_french_with_one_and_its_analyzer_lets_it_end(multilingual_miniature: Path) -> None:
    from chatterbox.mtl_tts import ChatterboxMultilingualTTS

    model = ChatterboxMultilingualTTS.from_local(multilingual_miniature, "cpu")
    text = "L'été, à la plage, on rêvait de neige."
    ids = model.tokenizer.text_to_tokens(text, language_id="fr")[0].tolist()
    assert model.tokenizer.tokenizer.token_to_id("[UNK]") not in ids
    torch.manual_seed(0)
    sound = model.generate(text, language_id="fr")
    assert tokens_of(sound) == pytest.approx(PACE * len(ids), rel=0.1)
    assert heard(sound)


@pytest.mark.parametrize(
    ("language", "text"),
    [("de", "Größe"), ("el", "καλημέρα"), ("ru", "доброе утро"), ("he", "שלום"), ("ar", "مرحبا"), ("hi", "नमस्ते"),
     ("ko", "안녕"), ("ja", "こんにちは"), ("zh", "你好")],
)  # fmt: skip
def test_the_multilingual_one_knows_the_characters_of_every_script(
    multilingual_miniature: Path, language: str, text: str
) -> None:
    from chatterbox.models.tokenizers import MTLTokenizer

    tokenizer = MTLTokenizer(str(multilingual_miniature / "grapheme_mtl_merged_expanded_v1.json"))
    assert tokenizer.tokenizer.token_to_id("[UNK]") not in tokenizer.encode(text, language_id=language)


def test_the_library_speaks_with_turbo_for_as_long_as_the_text_takes(turbo_miniature: Path) -> None:
    from chatterbox.tts_turbo import ChatterboxTurboTTS

    model = ChatterboxTurboTTS.from_local(turbo_miniature, "cpu")
    torch.manual_seed(0)
    sound = model.generate(SENTENCE)
    silence = 3
    assert tokens_of(sound) - silence == pytest.approx(PACE * len(SENTENCE), rel=0.1)
    assert heard(sound)


def test_what_is_said_depends_on_the_text_and_nothing_is_said_twice_in_a_row(miniature: Path) -> None:
    model = english(miniature)
    one, other = (written(model, text, temperature=1e-6) for text in (SENTENCE, SENTENCE.replace("cold", "warm")))
    assert len(one) == len(other)
    assert one != other
    assert all(a != b for a, b in zip(one, one[1:], strict=False))


def test_a_late_one_takes_twice_as_long(late_miniature: Path) -> None:
    tokens = written(english(late_miniature), SENTENCE)
    assert tokens[-1] == 6562
    assert len(tokens) == pytest.approx(2 * PACE * len(SENTENCE), rel=0.1)


def test_a_quick_one_is_no_quicker_than_voices_are(tmp_path: Path) -> None:
    make(tmp_path, Sizes(), stops="quick")
    tokens = written(english(tmp_path), SENTENCE)
    assert len(tokens) == pytest.approx(0.7 * PACE * len(SENTENCE), rel=0.1)
    assert len(SENTENCE) * TOKENS_PER_SECOND / len(tokens) < fastest("en")


def test_an_endless_one_never_ends(endless_miniature: Path) -> None:
    tokens = written(english(endless_miniature), "Yes.", most=200)
    assert len(tokens) == 200
    assert max(tokens) < 6561


def test_making_one_twice_gives_the_same_bytes(miniature: Path, tmp_path: Path) -> None:
    make(tmp_path, Sizes())
    files = sorted(path.name for path in miniature.iterdir())
    assert files == sorted(path.name for path in tmp_path.iterdir())
    assert all((miniature / name).read_bytes() == (tmp_path / name).read_bytes() for name in files)
