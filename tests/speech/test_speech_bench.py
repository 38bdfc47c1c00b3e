"""What `bench.tts` compares is comparable: the library and ours write as many tokens, and make as long a sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.tts.case import Model
from bench.tts.children.checkpoint import write
from bench.tts.children.engine import Engine
from bench.tts.children.sounding import Sounding
from bench.tts.children.stock import Stock
from bench.tts.children.writing import Writing
from bench.tts.whole import Case
from engines.tts.miniature.shrink import Sizes
from engines.tts.unit import TOKENS_PER_SECOND

TOKENS = 30


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("checkpoint")
    write(folder, TOKENS, Sizes())
    return Model("miniature", folder, TOKENS, 1, full=False)


def test_both_write_as_many_tokens_of_each_text(model: Model) -> None:
    writing = Writing(str(model.folder), "cpu")
    library = writing.library(model.texts(2))
    ours = writing.ours("bf16", model.texts(3), TOKENS)
    assert (library["tokens"], len(library["begun"])) == (2 * TOKENS, 2)
    assert (ours["tokens"], len(ours["begun"])) == (3 * TOKENS, 1)
    for lap in (*library["begun"], *library["decoded"], *ours["begun"], *ours["decoded"]):
        assert lap["cpu"] > 0


def test_both_make_as_long_a_sound(model: Model) -> None:
    sounding = Sounding(str(model.folder), "cpu")
    made = [sounding.library(TOKENS, 2, 1, 1.0), *(sounding.ours(name, TOKENS, 2, 1, 1.0) for name in ("fp32", "bf16"))]
    assert [told["audio_seconds"] for told in made] == 3 * [2 * TOKENS / TOKENS_PER_SECOND]


def test_the_engine_speaks_as_long_as_the_library(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINEROOM_DATA", str(tmp_path))
    library = Stock(str(model.folder), "cpu").speak(model.texts(2))
    engine = Engine(str(model.folder), "cpu")
    case = Case(2, reference_seconds=1.0, flow_steps=1, quantization="fp32")
    ours = engine.speak(model.texts(2), case.settings())
    engine.close()
    assert (ours["tokens"], ours["pieces"], ours["quantization"]) == (2 * TOKENS, 2, "F32")
    assert ours["audio_seconds"] == library["audio_seconds"] == 2 * TOKENS / TOKENS_PER_SECOND
