"""What a load takes, in bytes, before anything is loaded; corrected by what was measured once it was."""

from __future__ import annotations

from typing import Final

from engines.appraisal import Need
from engines.gpu_memory import placement
from engines.stt.folder import Folder
from engines.stt.settings import SttSettings

CONTEXT_BYTES: Final = 400 * 2**20
"""What the driver and the library's kernels take for a process on a GPU; a round figure."""
PROCESS_BYTES: Final = 150 * 2**20
"""The process with its libraries and nothing loaded, as measured on a CPU."""
_POSITIONS: Final = 1500
"""Of a window, as the encoder gives it."""
_TOKENS: Final = 448
_FLOAT, _HALF, _BYTE = 4, 2, 1
_FRAMES: Final = 3000
_INNER: Final = 4
"""The feed-forward layers of every Whisper are so many times as wide."""


def weights_bytes(folder: Folder, compute_type: str) -> int:
    """Matrices are kept as they are computed with, all else in the numbers around them."""
    matrix, rest = _sizes(compute_type)
    total = 0
    for name, tensor in folder.tensors.items():
        is_matrix = len(tensor.shape) == 2 and name.endswith("/weight") and "conv" not in name
        total += tensor.count * (matrix if is_matrix else rest)
    return total


def working_bytes(folder: Folder, settings: SttSettings, compute_type: str, *, on_gpu: bool) -> int:
    """To decode the largest batch on each stream: the encoder's widest layer and attention, the keys and values of what
    was heard, of each beam, and the chances of all tokens. On a CPU one window after the other is encoded."""
    width, layers = _width(folder), _layers(folder)
    number = _sizes(compute_type)[1]
    batch, beams = settings.together, settings.beam_size
    heads = max(1, width // 64)
    encoder = (batch if on_gpu else 1) * _POSITIONS * (width * (3 + _INNER) + heads * _POSITIONS)
    heard = batch * _POSITIONS * width * (1 + 2 * layers)
    written = batch * beams * _TOKENS * width * 2 * layers
    chances = batch * beams * folder.vocabulary * 2
    sound = batch * folder.mels * _FRAMES + batch * 2 * _POSITIONS * width
    return settings.num_workers * number * (encoder + heard + written + chances + sound)


def need(folder: Folder, settings: SttSettings, compute_type: str, *, on_gpu: bool) -> Need:
    """It is one piece, and lies on one GPU or in the host's memory."""
    working = working_bytes(folder, settings, compute_type, on_gpu=on_gpu)
    ahead = 3 * settings.together * settings.num_workers * folder.mels * _FRAMES * _FLOAT
    return Need(
        layers=(weights_bytes(folder, compute_type),),
        on_gpu=int(on_gpu),
        per_gpu_bytes=CONTEXT_BYTES + working,
        host_bytes=PROCESS_BYTES + ahead + (0 if on_gpu else working),
    )


def assumed(settings: SttSettings, *, on_gpu: bool) -> str:
    """What `auto` probably means: the machine is asked when it loads."""
    if settings.quantization != "auto":
        return settings.quantization
    return "float16" if on_gpu else "int8"


def gpu_bytes(folder: Folder, settings: SttSettings) -> int:
    """On the GPU, where the process was placed on one."""
    if not placement():
        return 0
    return need(folder, settings, assumed(settings, on_gpu=True), on_gpu=True).gpu_bytes(1)


def _sizes(compute_type: str) -> tuple[int, int]:
    """Bytes of a number in a matrix, and of another."""
    match compute_type:
        case "float32":
            return _FLOAT, _FLOAT
        case "float16" | "bfloat16":
            return _HALF, _HALF
        case "int8_float16" | "int8_bfloat16":
            return _BYTE, _HALF
        case _:
            return _BYTE, _FLOAT


def _width(folder: Folder) -> int:
    return folder.tensors["encoder/conv1/weight"].shape[0]


def _layers(folder: Folder) -> int:
    """Of the decoder."""
    return len({name.split("/")[1] for name in folder.tensors if name.startswith("decoder/layer_")})
