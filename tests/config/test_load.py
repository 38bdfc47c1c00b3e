"""Layers, references, and a sentence for everything that can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.errors import BadConfig
from config.load import Config, Origin, load
from config.overrides import remember
from config.paths import set_path
from engines.fake.settings import FakeSettings
from engines.llm.settings import LlmSettings
from ipc.errors import RequestFailed

WRITER = '[engine.writer]\nkind = "llm"\n'


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def writer(text: str) -> Path:
        path = tmp_path / "engineroom.toml"
        path.write_text(text)
        return path

    return writer


def read(path: Path | None, state: Path, **environ: str) -> Config:
    return load(file=path, state=state, environ=environ)


def test_with_no_file_there_is_one_writer_on_the_miniature(tmp_path: Path) -> None:
    config = read(None, tmp_path)
    (writer,) = config.engines
    assert (writer.name, writer.kind, writer.python, writer.settings) == ("writer", "llm", None, LlmSettings())
    assert config.file is None
    assert config.warnings == ()


def test_a_file(tmp_path: Path, write: Callable[[str], Path]) -> None:
    text = (
        '[supervisor]\nlog_level = "debug"\n'
        + WRITER
        + 'n_ctx = 2048\nunload_after = "5m"\npreload = true\npython = "/opt/python"\n'
        + '[engine.mimic]\nkind = "fake"\nload_bytes = "1 MiB"\n'
    )
    config = read(write(text), tmp_path)
    writer, mimic = config.engines
    assert writer.settings == LlmSettings(n_ctx=2048, unload_after=300.0)
    assert (writer.preload, writer.python) == (True, "/opt/python")
    assert mimic.settings == FakeSettings(load_bytes=2**20)
    assert config.supervisor.log_level == "debug"
    assert config.engine("mimic") is mimic


def test_each_layer_covers_the_one_below_and_is_known(tmp_path: Path, write: Callable[[str], Path]) -> None:
    path = write(WRITER + "n_ctx = 1024\nn_batch = 128\nparallel = 2\nthreads = 1\n")
    remember(set_path(tmp_path), "writer", {"n_batch": 64, "parallel": 3, "threads": 2})
    environ = {"ENGINEROOM_ENGINE_WRITER_PARALLEL": "4", "ENGINEROOM_ENGINE_WRITER_THREADS": "3"}
    config = load(file=path, state=tmp_path, environ=environ, flags={"writer": {"threads": 4}})
    (writer,) = config.engines
    assert writer.settings == LlmSettings(n_ctx=1024, n_batch=64, parallel=4, threads=4)
    assert writer.origins["n_ctx"] == Origin("file", f"{path}, line 3, [engine.writer]")
    assert writer.origins["n_batch"].layer == "set"
    assert writer.origins["parallel"] == Origin("environment", "ENGINEROOM_ENGINE_WRITER_PARALLEL")
    assert writer.origins["threads"].layer == "flag"
    assert writer.origins["seed"] == Origin("default", "")
    assert writer.declared == LlmSettings(n_ctx=1024, n_batch=128, parallel=4, threads=4)


def test_references_are_expanded(tmp_path: Path, write: Callable[[str], Path]) -> None:
    path = write(WRITER + 'model = "${env.MODELS}/${env.NAME}.gguf"\nn_ctx = "${env.CONTEXT}"\n')
    config = read(path, tmp_path, MODELS="/models", NAME="a", CONTEXT="512")
    assert config.engines[0].settings == LlmSettings(model="/models/a.gguf", n_ctx=512)


def test_a_leading_tilde_is_the_home_folder(tmp_path: Path, write: Callable[[str], Path]) -> None:
    settings = read(write(WRITER + 'model = "~/a.gguf"\n'), tmp_path).engines[0].settings
    assert isinstance(settings, LlmSettings)
    assert settings.model == str(Path.home() / "a.gguf")


def test_environment_amounts_may_be_text(tmp_path: Path) -> None:
    assert read(None, tmp_path, ENGINEROOM_ENGINE_WRITER_UNLOAD_AFTER="5m").engines[0].settings.unload_after == 300.0


def test_a_dash_in_a_name_is_an_underscore_in_its_variable(tmp_path: Path, write: Callable[[str], Path]) -> None:
    path = write('[engine.night-writer]\nkind = "llm"\n')
    config = read(path, tmp_path, ENGINEROOM_ENGINE_NIGHT_WRITER_PARALLEL="7")
    assert config.engines[0].settings.parallel == 7


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (WRITER + "n_ctxx = 5", ["line 3", "[engine.writer]", "'n_ctxx'", "Did you mean 'n_ctx'?"]),
        (WRITER + 'unload_after = "5 potatoes"', ["line 3", "unload_after = '5 potatoes'", "no unit of time", "'5m'"]),
        (WRITER + "n_ctx = 3", ["line 3", "n_ctx = 3", "64–1048576 tokens"]),
        (WRITER + "n_ctx = [1]", ["line 3", "n_ctx = [1]", "text, a number, true or false"]),
        (WRITER + 'model = "${env.NOPE}/a"', ["line 3", "model", "the environment has no NOPE", "export NOPE"]),
        (WRITER + 'model = "${HOME}/a"', ["line 3", "${HOME} means nothing", "${env.NAME}"]),
        (WRITER + 'preload = "yes"', ["line 3", "preload = 'yes'", "without quotes"]),
        (WRITER + 'python = "python3"', ["line 3", "python = 'python3'", "absolute path"]),
        (WRITER + "[engine.writer.deep]\nx = 1", ["deep"]),
        ('[engine.writer]\nkind = "lm"', ["line 2", "'lm'", "Did you mean 'llm'?"]),
        ("[engine.writer]\nn_ctx = 5", ["line 1", "says no kind", "'llm'"]),
        ('[engine.Writer]\nkind = "llm"', ["line 1", "'Writer'", "lower-case"]),
        ('[engine.supervisor]\nkind = "llm"', ["'supervisor' is taken"]),
        ('[engines.writer]\nkind = "llm"', ["'engines'", "Did you mean 'engine'?"]),
        ('[supervisor]\nlog_levle = "info"', ["line 2", "'log_levle'", "Did you mean 'log_level'?"]),
        ('[supervisor]\nlog_level = "loud"', ["line 2", "log_level = 'loud'"]),
        ("engine = 3", ["engine = 3", "[engine]"]),
        ("[engine.writer\n", ["line 1"]),
        ("writer = llm", ["line 1", "quotes"]),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, write: Callable[[str], Path], text: str, says: list[str]) -> None:
    path = write(text)
    with pytest.raises(BadConfig) as caught:
        read(path, tmp_path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert [part for part in says if part not in sentence] == [], sentence
    assert caught.value.problem.hint


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"missing\.toml: No such file.*--config"):
        read(tmp_path / "missing.toml", tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * (1024 * 1024 + 1)], ids=["not utf-8", "too large"])
def test_what_is_no_configuration_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "engineroom.toml"
    path.write_bytes(content)
    with pytest.raises(BadConfig, match="Not a configuration"):
        read(path, tmp_path)


def test_a_mistyped_variable_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="Did you mean ENGINEROOM_ENGINE_WRITER_PARALLEL"):
        read(None, tmp_path, ENGINEROOM_ENGINE_WRITER_PARALEL="4")


def test_a_bad_value_in_a_variable_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="ENGINEROOM_ENGINE_WRITER_PARALLEL: parallel = 'many'"):
        read(None, tmp_path, ENGINEROOM_ENGINE_WRITER_PARALLEL="many")


def test_a_variable_that_two_engines_share_is_refused(tmp_path: Path, write: Callable[[str], Path]) -> None:
    path = write('[engine.a-b]\nkind = "llm"\n[engine.a_b]\nkind = "llm"\n')
    assert len(read(path, tmp_path).engines) == 2
    with pytest.raises(BadConfig, match="seed of a-b and seed of a_b"):
        read(path, tmp_path, ENGINEROOM_ENGINE_A_B_SEED="1")


def test_what_was_set_and_no_longer_fits_is_left_out_with_a_warning(tmp_path: Path) -> None:
    remember(set_path(tmp_path), "writer", {"gone": 1, "n_ctx": 3, "parallel": 2})
    config = read(None, tmp_path)
    assert config.engines[0].settings == LlmSettings(parallel=2)
    assert [problem.title for problem in config.warnings] == ["Unknown setting", "Bad value"]
    assert all(str(set_path(tmp_path)) in problem.detail for problem in config.warnings)


def test_an_engine_that_is_not_there_has_the_nearest_name(tmp_path: Path) -> None:
    config = read(None, tmp_path)
    with pytest.raises(RequestFailed, match="Did you mean 'writer'"):
        config.engine("writter")
    with pytest.raises(BadConfig, match="Did you mean 'writer'"):
        load(file=None, state=tmp_path, environ={}, flags={"writter": {"seed": 1}})
