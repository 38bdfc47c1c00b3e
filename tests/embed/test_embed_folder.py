"""A model's folder that is not as it was made: refused with a sentence, before it is loaded where that is possible."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import onnx
import pytest
from flying_kit import Heard

from engines.appraisal import Said
from engines.contract import CannotLoad
from engines.embed.appraise import appraise
from engines.embed.encoder import Encoder
from engines.embed.engine import EmbedEngine, create
from engines.embed.estimate import kept_bytes
from engines.embed.folder import found, read
from engines.embed.settings import EmbedSettings

pytest_plugins = ["embed_fixtures"]
ROOT = Path(__file__).parents[2]

WITHOUT_LIBRARY = """
import sys
sys.modules["onnxruntime"] = None
from engines.contract import CannotLoad
from engines.embed.engine import create
from engines.embed.settings import EmbedSettings
engine = create(None)
engine.close()
try:
    engine.load(EmbedSettings())
except CannotLoad as error:
    print(error)
"""


@pytest.fixture
def copy(minilm: Path, tmp_path: Path) -> Path:
    """One that may be spoilt."""
    return Path(shutil.copytree(minilm, tmp_path / "copy"))


def refused(path: Path) -> CannotLoad:
    """By a load; and the engine is well afterwards."""
    engine = create(Heard())
    with pytest.raises(CannotLoad) as caught:
        engine.load(EmbedSettings(model=str(path)))
    engine.close()
    assert caught.value.problem.hint
    return caught.value


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_a_model_is_found_by_name_or_path(data: Path, minilm: Path) -> None:
    engine = EmbedEngine(Heard())
    for name in ("minilm", str(minilm)):
        model = engine.load(EmbedSettings(model=name))
        assert (model.name, model.quantization, model.layers) == ("minilm", "F32", None)
    engine.close()


def test_a_model_that_is_not_there_says_how_to_make_it(data: Path) -> None:
    engine = EmbedEngine(Heard())
    with pytest.raises(CannotLoad, match="Model missing.*engineroom models import other"):
        engine.load(EmbedSettings(model="other"))
    with pytest.raises(CannotLoad, match="Model missing"):
        appraise(EmbedSettings(model="/nowhere/at/all"))


@pytest.mark.parametrize(("name", "size"), [("model.onnx", 1_000_000), ("model.onnx", 0)])
def test_a_truncated_model_is_refused_before_it_is_loaded(copy: Path, name: str, size: int) -> None:
    with (copy / name).open("r+b") as file:
        file.truncate(size)
    assert refused(copy).problem.title == "Model truncated"
    with pytest.raises(CannotLoad, match="Model truncated"):
        appraise(EmbedSettings(model=str(copy)))


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "embedding.json"])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert name in refused(copy).problem.detail


def test_a_damaged_graph_or_tokenizer_is_refused(copy: Path) -> None:
    with (copy / "model.onnx").open("r+b") as file:
        file.write(b"\xff" * 4096)
    assert refused(copy).problem.title == "Model refused"
    (copy / "tokenizer.json").write_text("{}")
    assert refused(copy).problem.title == "Model refused"


def test_weights_that_changed_show_in_the_vector_that_each_load_computes(copy: Path) -> None:
    graph = copy / "model.onnx"
    name = "encoder.layer.3.output.dense.weight"
    (weight,) = (one for one in onnx.load(graph).graph.initializer if one.name == name)
    place = graph.read_bytes().index(weight.raw_data)
    with graph.open("r+b") as file:
        file.seek(place)
        file.write(b"\x3e" * len(weight.raw_data))
    assert refused(copy).problem.title == "Model damaged"


def test_a_manifest_of_another_version_is_refused(copy: Path) -> None:
    manifest = json.loads((copy / "embedding.json").read_text())
    (copy / "embedding.json").write_text(json.dumps({**manifest, "version": 2}))
    assert "version 2" in refused(copy).problem.detail
    (copy / "embedding.json").write_text("{")
    assert refused(copy).problem.title == "Model refused"


# ── what a load takes ─────────────────────────────────────────────────────────────────────────────────────


def test_the_appraisal_is_one_file_and_the_ladder_ends_on_the_cpu(data: Path) -> None:
    said = appraise(EmbedSettings(batch_size=4))
    (option,) = said.options
    assert (option.changes, option.name, option.level) == ({}, "minilm", None)
    assert option.need.on_gpu == 1
    assert 90_000_000 < option.need.layers[0] < 91_000_000
    assert [rung.words for rung in said.rungs] == ["batch_size 2", "batch_size 1", "batch_size 1 · on the CPU"]
    assert said.rungs[-1].changes == {"batch_size": 1, "gpu": "cpu"}
    assert said.rungs[-1].need.on_gpu == 0
    assert said.why_no_gpu == "onnxruntime was built without GPU support"
    assert appraise(EmbedSettings(gpu="cpu", batch_size=1)).rungs == ()


def test_the_appraiser_is_a_process_that_says_what_a_load_would_meet(data: Path) -> None:
    environ = {"ENGINEROOM_SETTINGS": "{}", "ENGINEROOM_DATA": str(data)}
    command = [sys.executable, "-m", "engines.appraiser", "embed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=environ)
    said = msgspec.json.decode(done.stdout.splitlines()[-1], type=Said)
    assert said.appraisal == appraise(EmbedSettings())


def test_the_estimate_for_the_cpu_is_near_what_a_process_takes(data: Path) -> None:
    code = (
        "from embed_kit import Counted, texts\n"
        "one = Counted(max_tokens=128)\n"
        "one.ask(texts(*(f'{n} ' + 'word ' * 200 for n in range(32))))\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tests" / "embed", capture_output=True, text=True, check=True,
        env={"PYTHONPATH": f"{ROOT}:{ROOT}/tests/engines", "ENGINEROOM_DATA": str(data)},
    )  # fmt: skip
    peak = int(done.stdout.split()[-1]) * 1024
    need = appraise(EmbedSettings(gpu="cpu", max_tokens=128)).options[0].need
    assert 0.7 < need.ram_bytes(0) / peak < 1.5


def test_neither_the_desk_nor_the_engine_s_start_imports_a_library() -> None:
    heavy = run(
        "import sys, engines.embed.plan, engines.embed.assemble, engines.embed.engine\n"
        "names = ('onnxruntime', 'numpy', 'tokenizers', 'onnx', 'pyarrow', 'torch')\n"
        "print([name for name in names if name in sys.modules])"
    )
    assert heavy == "[]\n"


def test_without_the_library_the_way_out_is_named(data: Path) -> None:
    said = run(WITHOUT_LIBRARY)
    assert said.startswith("No onnxruntime:")
    assert "engineroom env sync embed" in said


@pytest.mark.parametrize("tokens", [1, 7])
def test_what_leaves_nothing_of_a_text_is_refused(data: Path, tokens: int) -> None:
    with pytest.raises(CannotLoad, match="or to 0: as the model was made"):
        found(EmbedSettings(max_tokens=tokens))


def test_a_model_is_proven_by_its_whole_text_however_short_texts_are_cut(minilm: Path) -> None:
    encoder = Encoder(read(minilm, "minilm"), 1, 8, on_gpu=False)
    encoder.prove()
    assert [len(one.ids) for one in encoder.tokens(["a long text " * 40])] == [8]
    encoder.close()


def test_kept_vectors_count_in_the_host_s_memory(data: Path) -> None:
    few, many = (appraise(EmbedSettings(cache_entries=entries)).options[0].need for entries in (0, 100_000))
    assert many.host_bytes - few.host_bytes == 100_000 * kept_bytes(384)
    capped = appraise(EmbedSettings(cache_entries=100_000, cache_bytes=1_000_000)).options[0].need
    assert capped.host_bytes - few.host_bytes == 1_000_000
