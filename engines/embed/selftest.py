"""The self-test of an `embed` environment: onnxruntime multiplies two matrices, and its profile says where."""

from __future__ import annotations

import json
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from engines.environments.cuda_wheels import preload
from engines.environments.record import SelfTest
from engines.environments.requirements import Device

_MODEL: Final = Path(__file__).with_name("selftest.onnx")
"""One MatMul of x and w, both 2×2."""
_PROVIDERS: Final[dict[Device, list[str]]] = {
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"],
}
_COMPANIONS: Final = ("tokenizers", "pyarrow")


def compute(device: Device) -> SelfTest:
    """Run one node. Raises ImportError where a library is missing, RuntimeError where its result is wrong."""
    if device == "cuda":
        preload()
    numpy, onnxruntime = import_module("numpy"), import_module("onnxruntime")
    for name in _COMPANIONS:
        import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder) / "profile")
        options.log_severity_level = 3  # that a provider is missing is what we find out
        session = onnxruntime.InferenceSession(_MODEL.read_bytes(), options, providers=_PROVIDERS[device])
        x = numpy.array([[1, 2], [3, 4]], dtype=numpy.float32)
        (y,) = session.run(None, {"x": x, "w": x})
        provider = _ran_on(json.loads(Path(session.end_profiling()).read_text()))
    if y.tolist() != [[7, 10], [15, 22]]:
        raise RuntimeError(f"two small matrices gave {y.tolist()}")
    where: Device = "cuda" if provider == _PROVIDERS["cuda"][0] else "cpu"
    return SelfTest(True, where, f"onnxruntime {onnxruntime.__version__} ran a node with {provider}")


def _ran_on(profile: list[dict[str, Any]]) -> str:
    """The provider of the node, as the profile has it."""
    for event in profile:
        if event.get("cat") == "Node" and event.get("args", {}).get("op_name") == "MatMul":
            return str(event["args"].get("provider", "no provider"))
    raise RuntimeError("the profile of onnxruntime names no node")
