"""A command on a simulated box, as `make demo-gpus` runs it; and the build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from simulated_box import eventually

from simulator.build import LIBRARY, BuildFailed, library_folder

pytest_plugins = ["simulator_fixtures"]

ROOT = Path(__file__).parents[2]
CELSIUS = """
import os, sys, pynvml
pynvml.nvmlInit()
gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
for line in sys.stdin:
    print(pynvml.nvmlDeviceGetTemperature(gpu, 0), os.path.isdir(os.environ["ENGINEROOM_GPU_ACCOUNTS"]), flush=True)
sys.exit(7)
"""


def on_a_box(scenario: Path | str, *command: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "simulator.run", str(scenario), "--", *command]
    return subprocess.Popen(
        words, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.fixture
def _built(nvml_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(nvml_library.parent.parent))


@pytest.mark.usefixtures("_built")
def test_the_command_sees_the_scenario_and_its_edits(tmp_path: Path) -> None:
    scenario = tmp_path / "hot.toml"
    one = '[[gpu]]\nname = "One"\ncapability = "8.0"\ntemperature = '
    scenario.write_text(one + "55")
    with on_a_box(scenario, sys.executable, "-c", CELSIUS) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr

        def seen() -> str:
            assert process.stdin
            assert process.stdout
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline()

        assert seen() == "55 True\n"
        scenario.write_text(one + "warm")
        assert "hot.toml: Invalid value" in process.stderr.readline()
        assert seen() == "55 True\n"
        scenario.write_text(one + "66")
        eventually(lambda: seen() == "66 True\n")
        process.communicate()
    assert process.returncode == 7


@pytest.mark.usefixtures("_built")
def test_a_wrong_scenario_is_said_before_anything_runs(tmp_path: Path) -> None:
    with on_a_box("nowhere", "touch", str(tmp_path / "ran")) as process:
        _, said = process.communicate()
    assert process.returncode == 2
    assert said.startswith("simulator: there is no scenario nowhere")
    assert not (tmp_path / "ran").exists()


def test_the_library_is_built_once(nvml_library: Path, tmp_path: Path) -> None:
    first = library_folder(tmp_path)
    stamp = (first / LIBRARY).stat().st_mtime_ns
    assert first.name == nvml_library.name
    assert library_folder(tmp_path) == first
    assert (first / LIBRARY).stat().st_mtime_ns == stamp
    assert [left.name for left in tmp_path.iterdir()] == [first.name]


def test_without_gcc_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildFailed, match="apt install gcc"):
        library_folder(tmp_path / "cache")
