"""The models that take part, made where they are needed, and the prompts that all contestants read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.random_model import NANO, USUAL, write_random_model
from bench.room import ROOT
from engines.llm.miniature.export import CHAT_TEMPLATE

SHAPES = {"random": USUAL, "nano": NANO}


def model_file(folder: Path, name: str, level: str = "f16") -> Path:
    """The file of `miniature`, `random` or `nano` at a level, made in `folder` unless it is there.

    Raises:
        SystemExit: it cannot be quantized; with what was said.
    """
    if name == "miniature":
        whole = ROOT / "engines" / "llm" / "miniature" / "miniature-f16.gguf"
    else:
        whole = folder / f"{name}-f16.gguf"
        if not whole.exists():
            write_random_model(whole, SHAPES[name])
    if level == "f16":
        return whole
    path = folder / f"{name}-{level}.gguf"
    if not path.exists():
        command = [sys.executable, "-m", "bench.llm.quantize", str(whole), str(path), level]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        if done.returncode != 0:
            sys.exit(f"{name} cannot be quantized to {level}:\n{done.stderr[-2000:]}")
    return path


def write_prompts(path: Path, units: int, shortest: int, longest: int) -> Path:
    """A file of `units` questions; the answers' limits go up and down between the two, evenly spread."""
    lines = (ROOT / "examples" / "prompts.jsonl").read_text().splitlines()
    questions = [request["prompt"] for request in map(json.loads, lines) if "prompt" in request]
    with path.open("w") as out:
        for number in range(units):
            limit = shortest + number * 37 % (longest - shortest + 1)
            request = {"id": number, "prompt": questions[number % len(questions)], "max_tokens": limit}
            out.write(json.dumps(request) + "\n")
    return path


def template_of(name: str) -> str | None:
    """The chat template in the file of this model."""
    return CHAT_TEMPLATE if name == "miniature" else None
