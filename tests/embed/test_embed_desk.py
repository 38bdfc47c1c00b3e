"""From a source to units, and from results to files of vectors with their ids."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from engines.contract import CannotAssemble
from engines.embed import ids
from engines.embed.assemble import assemble
from engines.embed.plan import plan
from engines.embed.settings import EmbedSettings
from engines.embed.unit import texts_of
from ipc.work import ResultRow

SETTINGS = EmbedSettings(batch_size=2)


def step() -> None:
    """Nobody watches here."""


def written(folder: Path, name: str, data: bytes) -> Path:
    source = folder / name
    source.write_bytes(data)
    return source


def test_a_line_of_text_is_a_text_known_by_its_number(tmp_path: Path) -> None:
    whole = plan(written(tmp_path, "in.txt", b'one\r\n\ntwo\n{"text": 3}\n\xff\n'), "", 9, SETTINGS)
    assert [unit.where for unit in whole.units] == ["in.txt lines 1–3", "in.txt line 4"]
    assert json.loads(whole.units[0].payload) == [{"text": "one", "id": "1"}, {"text": "two", "id": "3"}]
    assert [texts_of(unit.payload) for unit in whole.units] == [["one", "two"], ['{"text": 3}']]
    assert [problem.problem.title for problem in whole.problems] == ["Not text"]


def test_a_line_of_json_has_a_text_or_the_answer_of_an_earlier_job(tmp_path: Path) -> None:
    lines = (
        b'{"text":"one","id":"a"}\n{"id":7,"answer":"said","tokens":2,"prompt_tokens":9,"finish":"stop"}\n{"text":""}'
    )
    whole = plan(written(tmp_path, "in.jsonl", lines), "", 9, EmbedSettings(batch_size=3))
    (unit,) = whole.units
    assert json.loads(unit.payload) == [{"text": "one", "id": "a"}, {"text": "said", "id": 7}, {"text": "", "id": "3"}]
    assert unit.name == "a"


@pytest.mark.parametrize("line", [b"{}", b"[]", b'{"prompt":"a"}', b'{"text":1}', b'{"texts":["a"]}', b"\xff"])
def test_a_bad_line_of_json_is_set_aside_with_its_place(tmp_path: Path, line: bytes) -> None:
    whole = plan(written(tmp_path, "in.jsonl", line + b'\n{"text":"a"}\n'), "", 9, SETTINGS)
    assert len(whole.units) == 1
    assert whole.problems[0].problem.detail.startswith("in.jsonl line 1: ")


# ── assembly ──────────────────────────────────────────────────────────────────────────────────────────────


def rows(folder: Path, *units: dict[str, list[float]]) -> Iterator[ResultRow]:
    """Units of named vectors, as the engine leaves them."""
    for index, unit in enumerate(units):
        content = np.array(list(unit.values()), "<f4").tobytes()
        file = folder / f"unit-{index}"
        file.write_bytes(content)
        lines = [{"text": f"text of {name}", "id": name} for name in unit]
        result = json.dumps({"dimensions": len(next(iter(unit.values()))), "tokens": 3, "truncated": 0})
        payload = json.dumps(lines if len(lines) > 1 else lines[0])
        yield ResultRow(index, payload, result, str(file), hashlib.sha256(content).hexdigest())


TWO: tuple[dict[str, list[float]], ...] = ({"a": [1, 2, 3], "b": [4, 5, 6]}, {"ü": [7, 8, 9]})


def part_of(folder: Path, name: str, job: str = "host-3") -> Path:
    return folder / f".{name}.{job}.part"


def test_an_npy_file_is_what_numpy_reads_with_the_ids_beside_it(tmp_path: Path) -> None:
    part = part_of(tmp_path, "v.npy")
    assemble(part, rows(tmp_path, *TWO), SETTINGS, step)
    vectors = np.load(part)
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert np.load(part, mmap_mode="r").shape == (3, 3)
    assert json.loads((tmp_path / "v.npy.ids.json").read_text()) == {"job": "host-3", "ids": ["a", "b", "ü"]}


def test_an_assembly_that_is_repeated_replaces_its_own_ids_and_nobody_else_s(tmp_path: Path) -> None:
    part = part_of(tmp_path, "v.npy")
    assemble(part, rows(tmp_path, TWO[0]), SETTINGS, step)
    assemble(part, rows(tmp_path, *TWO), SETTINGS, step)
    beside = ids.beside(tmp_path / "v.npy")
    assert json.loads(beside.read_text())["ids"] == ["a", "b", "ü"]
    for job in ("host-4", "host-33"):
        with pytest.raises(CannotAssemble, match=r"v\.npy\.ids\.json was made or changed by somebody else") as caught:
            assemble(part_of(tmp_path, "v.npy", job), rows(tmp_path, *TWO), SETTINGS, step)
        assert caught.value.retry
    assert json.loads(beside.read_text())["job"] == "host-3"


def test_a_parquet_file_has_ids_and_vectors(tmp_path: Path) -> None:
    part = part_of(tmp_path, "v.parquet")
    assemble(part, rows(tmp_path, *TWO), SETTINGS, step)
    table = parquet.read_table(part)
    assert table.to_pydict() == {"id": ["a", "b", "ü"], "vector": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}
    assert str(table.schema.field("vector").type) == "fixed_size_list<element: float>[3]"
    assert [path.name for path in tmp_path.iterdir() if "ids" in path.name] == []


@pytest.mark.parametrize("name", ["v.npy", "v.parquet", "vectors", "v.bin"])
def test_a_job_whose_units_all_failed_has_an_empty_output(tmp_path: Path, name: str) -> None:
    part = part_of(tmp_path, name)
    assemble(part, iter(()), SETTINGS, step)
    count = parquet.read_table(part).num_rows if name.endswith(".parquet") else len(np.load(part))
    assert count == 0


@pytest.mark.parametrize("name", ["v.npy", "v.parquet"])
def test_vectors_of_two_models_do_not_become_one_output(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotAssemble, match="3 numbers and others 2") as caught:
        assemble(part_of(tmp_path, name), rows(tmp_path, TWO[0], {"c": [1, 2]}), SETTINGS, step)
    assert not caught.value.retry


def test_without_pyarrow_a_parquet_file_waits_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CannotAssemble, match=r"No pyarrow.*engineroom\[embed\]") as caught:
        assemble(part_of(tmp_path, "v.parquet"), rows(tmp_path, *TWO), SETTINGS, step)
    assert caught.value.retry


def test_a_unit_with_too_few_vectors_is_named(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, TWO[0])
    Path(row.file).write_bytes(b"\x00" * 12)
    with pytest.raises(CannotAssemble, match="Unit 0 has 2 texts and 12 bytes"):
        assemble(part_of(tmp_path, "v.npy"), iter([row]), SETTINGS, step)
