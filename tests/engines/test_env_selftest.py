"""Self-tests of environments, run in processes of this one: which device really computed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engines.environments.record import SelfTest
from engines.environments.requirements import Device
from engines.environments.selftest import judged

ROOT = Path(__file__).parents[2]


def said(kind: str, device: Device) -> SelfTest:
    """What this Python finds out about itself."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "engines.environments.selftest", kind, device],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True,
    )  # fmt: skip
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=SelfTest)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("fake", "the runtime starts"),
        ("llm", "the miniature wrote a token on the CPU ("),
        ("embed", "ran a node with CPUExecutionProvider"),
        ("stt", "CTranslate2 4.8.5 on the CPU: "),
    ],
)
def test_it_computes_and_says_where(kind: str, text: str) -> None:
    test = said(kind, "cpu")
    assert (test.ok, test.device) == (True, "cpu")
    assert text in test.text


@pytest.mark.parametrize("kind", ["llm", "embed"])
def test_asked_for_cuda_and_computed_on_the_cpu_is_a_failure(kind: str) -> None:
    test = said(kind, "cuda")
    assert (test.ok, test.device) == (False, "cpu")
    assert test.text.startswith("asked for cuda, it computed on cpu: ")


def test_a_library_that_is_missing_is_named() -> None:
    test = said("tts", "cpu")
    assert (test.ok, test.device) == (False, "")
    assert test.text.startswith("it cannot compute: ModuleNotFoundError: No module named ")
    assert "libcublas.so.12" in said("stt", "cuda").text


def test_only_where_it_computed_counts() -> None:
    assert judged(SelfTest(True, "cuda", "5 of 5 layers"), "cuda").ok
    assert not judged(SelfTest(True, "cpu", "a node"), "cuda").ok
    assert not judged(SelfTest(False, "", "crashed"), "cpu").ok
