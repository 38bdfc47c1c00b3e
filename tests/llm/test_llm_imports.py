"""What is imported when: the desk never sees the library, and a machine without it is told what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

WITHOUT_LIBRARY = """
import sys
sys.modules["llama_cpp"] = None  # type: ignore[assignment]
from engines.contract import CannotLoad
from engines.llm.engine import create
from engines.llm.settings import LlmSettings
engine = create(None)
engine.close()
try:
    engine.load(LlmSettings())
except CannotLoad as error:
    print(error)
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_neither_the_desk_nor_the_engine_s_start_imports_the_library() -> None:
    heavy = run(
        "import sys, engines.llm.plan, engines.llm.assemble, engines.llm.engine\n"
        "print([name for name in ('llama_cpp', 'numpy', 'jinja2', 'torch', 'gguf') if name in sys.modules])"
    )
    assert heavy == "[]\n"


def test_the_engine_needs_nothing_of_the_recipe() -> None:
    recipe = run(
        "import sys, engines.llm.loaded\n"
        "print([name for name in ('torch', 'gguf', 'tokenizers') if name in sys.modules])"
    )
    assert recipe == "[]\n"


def test_without_the_library_the_way_out_is_named() -> None:
    said = run(WITHOUT_LIBRARY)
    assert said.startswith("No llama.cpp:")
    assert "engineroom env sync llm" in said
