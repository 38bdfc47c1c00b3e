"""The probability that somebody speaks, by Silero's network, as far as it has heard."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ipc.errors import EngineRoomError, Problem

FRAME: Final = 512
"""Samples of which there is one probability."""
_CONTEXT: Final = 64
"""Samples before a frame that the network hears again."""
_STATE: Final = 128
_LIBRARY: Final = "faster_whisper"
_FILE: Final = "silero_vad_v6.onnx"
_FATAL: Final = 4


class NoEar(EngineRoomError):
    """Raised when the network is not where the library keeps it."""


class Silero:
    """The network, loaded once."""

    def __init__(self) -> None:
        """Raises NoEar."""
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = _FATAL
        self._session = onnxruntime.InferenceSession(
            str(_file()), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def fresh(self) -> Ear:
        """One that has heard nothing yet."""
        return Ear(self._session)


class Ear:
    """Hears one stream of samples at 16 kHz, whatever pieces it comes in."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._h = np.zeros((1, 1, _STATE), np.float32)
        self._c = np.zeros((1, 1, _STATE), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)
        self._rest = np.zeros(0, np.float32)
        """Less than a frame, until more comes."""

    def hear(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of speech, 0..1, for each whole frame that there is by now."""
        samples = np.concatenate((self._rest, samples))
        whole = len(samples) // FRAME * FRAME
        self._rest = samples[whole:]
        if not whole:
            return np.zeros(0, np.float32)
        heard = np.concatenate((self._context, samples[:whole]))
        self._context = heard[-_CONTEXT:]
        frames = np.lib.stride_tricks.sliding_window_view(heard, _CONTEXT + FRAME)[::FRAME]
        wanted = {"input": np.ascontiguousarray(frames), "h": self._h, "c": self._c}
        probabilities: NDArray[np.float32]
        probabilities, self._h, self._c = self._session.run(None, wanted)
        return probabilities.reshape(-1)


def _file() -> Path:
    """Found without importing the library, which takes half a second."""
    library = find_spec(_LIBRARY)
    for folder in library.submodule_search_locations or () if library is not None else ():
        if (path := Path(folder, "assets", _FILE)).is_file():
            return path
    raise NoEar(
        Problem(
            "Speech finder missing",
            f"{_FILE} is not among the files of {_LIBRARY}.",
            "Make the engine's environment again, or set vad to false.",
        )
    )
