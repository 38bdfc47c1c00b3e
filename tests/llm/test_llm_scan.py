"""What lies on the box: a Hugging Face cache and an Ollama store of real small models, folders, and broken files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from flying_kit import Heard, Sky
from llm_files import F16, Q4_0, Q8_0, Build, hollow, quantized
from llm_recorders import MINIATURE, Orders, questions
from llm_shards import shards_of

from engines.hubcache import hub_folder
from engines.llm.engine import create
from engines.llm.files import path_of
from engines.llm.known import known, named
from engines.llm.making import make
from engines.llm.ollama import ollama_folders
from engines.llm.scan import in_folder, remember, remembered, usual_places
from engines.llm.settings import LlmSettings
from engines.llm.wanted import ToMake, wanted
from ipc.errors import RequestFailed
from ipc.models import Configured, ModelRow

MODEL = "application/vnd.ollama.image.model"
SMALL = Build(blocks=2, embedding=256, feed_forward=512, heads=8, cache_heads=(8,), vocabulary=300)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    return home


def cached(hub: Path, repository: str, revision: str, name: str, blob: bytes | Path) -> Path:
    """A file as the hub's tools keep it: a link with its name to a blob without one."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    target = folder / "blobs" / f"blob-of-{Path(name).name}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(blob, Path):
        shutil.copy(blob, target)
    else:
        target.write_bytes(blob)
    link = folder / "snapshots" / revision / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(target, link.parent))
    return link


def pulled(store: Path, place: str, blob: Path | None, digest: str, media: str = MODEL) -> Path:
    """A model as Ollama keeps it; without a file, one whose blob is missing."""
    manifest = store / "manifests" / place
    manifest.parent.mkdir(parents=True, exist_ok=True)
    layers = [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:0"}]
    manifest.write_text(json.dumps({"layers": [*layers, {"mediaType": media, "digest": f"sha256:{digest}"}]}))
    path = store / "blobs" / f"sha256-{digest}"
    path.parent.mkdir(exist_ok=True)
    if blob is not None:
        shutil.copy(blob, path)
    return path


def told(rows: Iterable[ModelRow]) -> list[tuple[str, str, str | None]]:
    return [(row.label, Path(row.path).name, row.level) for row in rows]


def test_the_hub_s_cache_is_used_in_place_by_the_names_of_its_links(home: Path, tmp_path: Path) -> None:
    hub = home / ".cache" / "huggingface" / "hub"
    old = cached(hub, "acme/mini-GGUF", "r1", "mini-F16.gguf", MINIATURE)
    new = hub / "models--acme--mini-GGUF" / "snapshots" / "r2" / "mini-F16.gguf"
    new.parent.mkdir()
    new.symlink_to(os.readlink(old))
    os.utime(new.parent, (2e9, 2e9))
    for shard in shards_of(tmp_path, 14):
        cached(hub, "acme/mini-GGUF", "r2", f"split/{shard.name}", shard)
    eyes = Build(**{**SMALL.__dict__, "metadata": (("general.type", "mmproj"),)})
    cached(hub, "acme/eyes", "r1", "mmproj.gguf", hollow(tmp_path / "mmproj.gguf", eyes, F16))
    (hub / "datasets--acme--text").mkdir()
    rows = list(usual_places())
    assert told(rows) == [
        ("acme/mini-GGUF", "mini-F16.gguf", "q16"),
        ("acme/mini-GGUF", "big-00001-of-00003.gguf", "q16"),
    ]
    assert rows[0].path == str(new)
    assert rows[1].bytes is not None
    assert rows[1].bytes > MINIATURE.stat().st_size
    for row in rows:
        engine = create(Heard())
        assert engine.load(LlmSettings(model=row.path)).quantization == "F16"
        engine.close()


def test_where_the_hub_s_cache_is_told(tmp_path: Path) -> None:
    assert hub_folder({"HF_HOME": "/big/hf"}) == Path("/big/hf/hub")
    assert hub_folder({"HF_HOME": "/big/hf", "HF_HUB_CACHE": "/c"}) == Path("/c")
    assert hub_folder({"HOME": "/h", "XDG_CACHE_HOME": "/x"}) == Path("/x/huggingface/hub")
    assert hub_folder({"HOME": "/h"}) == Path("/h/.cache/huggingface/hub")
    assert ollama_folders({"HOME": "/h", "OLLAMA_MODELS": "/o"}) == [
        Path("/o"), Path("/h/.ollama/models"), Path("/usr/share/ollama/.ollama/models"),
    ]  # fmt: skip


def test_ollama_s_models_are_called_as_ollama_calls_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    store, q4 = tmp_path / "store", quantized(tmp_path, Q4_0)
    blob = pulled(store, "registry.ollama.ai/library/mini/1b", q4, "a1")
    pulled(store, "registry.ollama.ai/acme/mini/latest", q4, "a1")
    pulled(store, "hf.co/acme/mini-GGUF/Q4_0", None, "b2")
    pulled(store, "registry.ollama.ai/library/adapter/1", None, "c3", media="application/vnd.ollama.image.adapter")
    rows = list(usual_places())
    assert sorted(told(rows)) == [
        ("acme/mini:latest", "sha256-a1", "q4"),
        ("hf.co/acme/mini-GGUF:Q4_0", "sha256-b2", None),
        ("mini:1b", "sha256-a1", "q4"),
    ]
    (missing,) = (row.problem for row in rows if row.problem is not None)
    assert "sha256-b2 does not exist" in missing.detail
    engine = create(Heard())
    engine.load(LlmSettings(model=str(blob), temperature=0.0))
    flight = Orders(questions(1))
    engine.fly(Sky(flight))
    engine.close()
    assert flight.results[0].tokens > 3


def test_broken_files_are_named_with_the_reason(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "cut.gguf").write_bytes(MINIATURE.read_bytes()[:5_000_000])
    (folder / "note.gguf").write_text("not yet")
    first, _, third = shards_of(folder, 14)
    third.unlink()
    reasons = {Path(row.path).name: row.problem.detail for row in in_folder(folder) if row.problem is not None}
    assert set(reasons) == {"cut.gguf", "note.gguf", first.name}
    assert "ends after 5.0 of 7.4 MB" in reasons["cut.gguf"]
    assert "does not begin with GGUF" in reasons["note.gguf"]
    assert f"{third.name} does not exist" in reasons[first.name]
    (none,) = in_folder(tmp_path / "nowhere")
    assert none.problem is not None
    assert none.problem.title == "No folder"


def test_a_manifest_that_is_none_is_named(home: Path) -> None:
    place = pulled(home / ".ollama" / "models", "registry.ollama.ai/library/mini/1b", None, "a1")
    (home / ".ollama" / "models" / "manifests" / "registry.ollama.ai/library/mini/1b").write_text("{}")
    (row,) = usual_places()
    assert (row.label, row.problem is not None) == ("mini:1b", True)
    assert not place.exists()


def test_each_file_is_known_once_with_who_uses_it_and_where_it_comes_from(home: Path, tmp_path: Path) -> None:
    hub = home / ".cache" / "huggingface" / "hub"
    link = cached(hub, "acme/mini-GGUF", "r1", "mini-F16.gguf", MINIATURE)
    remember([str(hub)])
    wish = wanted(LlmSettings(model=str(link), quantization="q4"))
    assert isinstance(wish, ToMake)
    engines = (
        Configured("writer", str(link), "auto"),
        Configured("small", str(link), "q4"),
        Configured("lost", "/nowhere.gguf", "auto"),
    )
    before = {row.path: row for row in known(engines)}
    assert before[str(link)].note == "q4 for small is made of it at its next load"
    made = make(wish, 1, Heard())
    rows = {row.path: row for row in known(engines)}
    assert set(rows) == {str(made.path), str(link), str(path_of(LlmSettings())), "/nowhere.gguf"}
    assert (rows[str(made.path)].engines, rows[str(made.path)].origin) == (("small",), "made here")
    assert rows[str(made.path)].quality is not None
    assert (rows[str(link)].engines, rows[str(link)].label, rows[str(link)].note) == (("writer",), "acme/mini-GGUF", "")
    assert rows["/nowhere.gguf"].engines == ("lost",)
    os.utime(link, ns=(0, 0))
    assert {row.path: row.note for row in known(engines)}[str(made.path)] == "its source was replaced since"


def test_a_name_means_one_model(home: Path, tmp_path: Path) -> None:
    store = home / ".ollama" / "models"
    blob = pulled(store, "registry.ollama.ai/library/mini/1b", quantized(tmp_path, Q8_0), "a1")
    assert named("mini:1b") == blob
    assert named("miniature") == path_of(LlmSettings())
    assert named(str(blob)) == blob
    with pytest.raises(RequestFailed, match="Several models"):
        named("Engine Room miniature")
    with pytest.raises(RequestFailed, match="Nothing here is called 'mini:2b'"):
        named("mini:2b")
    with pytest.raises(RequestFailed, match="/no/where does not exist"):
        named("/no/where")


def test_folders_are_remembered_while_they_are_there(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    remember([str(tmp_path / "one")])
    remember([str(tmp_path), str(tmp_path / "one")])
    assert remembered() == (str(tmp_path / "one"), str(tmp_path))
    (tmp_path / "one").rmdir()
    assert remembered() == (str(tmp_path),)
