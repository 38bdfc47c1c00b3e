"""The self-test of the environment, in the environment: a token is really written, and where is told truthfully."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from engines.environments.record import SelfTest
from engines.tts.library import prepare
from engines.tts.selftest import compute

ROOT = Path(__file__).parents[2]


def test_it_writes_a_token_and_on_the_cpu_is_no_success_where_a_gpu_was_asked_for() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "engines.environments.selftest", "tts", "cuda"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, check=True,
    )  # fmt: skip
    said = msgspec.json.decode(done.stdout.splitlines()[-1], type=SelfTest)
    assert (said.ok, said.device) == (False, "cpu")
    assert said.text.startswith("asked for cuda, it computed on cpu: the miniature of Chatterbox on torch ")
    assert said.text.endswith("wrote a token on the CPU: this torch is one without CUDA")


def test_a_watermarker_that_silently_became_nothing_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare()
    import perth

    monkeypatch.setattr(perth, "PerthImplicitWatermarker", None)
    with pytest.raises(RuntimeError, match="perth, which marks what is spoken, is not whole"):
        compute("cpu")
