"""faster-whisper, brought in late and offline; and a model loaded through it.

Nothing else of this kind but `decode` knows what the library's objects are.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from engines.contract import CannotLoad
from engines.environments.cuda_wheels import preload
from engines.stt.folder import Folder
from engines.stt.settings import SttSettings
from ipc.errors import Problem


def prepare() -> None:
    """Make the imports of `faster_whisper` work; to be called before the first of them, and harmless after it.

    Raises:
        CannotLoad: it is not installed here, or cannot be used on this machine.
    """
    os.environ.update(SttSettings().process_environment())  # a self-test has it from nobody
    preload()
    try:
        import ctranslate2  # noqa: F401 (half a second, and all that can be wrong with it shows here)
        import faster_whisper  # noqa: F401
    except (ImportError, OSError) as error:
        raise CannotLoad(
            Problem(
                "No faster-whisper",
                f"faster-whisper cannot be used: {error}.",
                "Make this engine's environment: engineroom env sync stt.",
            )
        ) from error


def gpus() -> int:
    """That CTranslate2 can use."""
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())


def compute_types(device: str) -> frozenset[str]:
    """What it can compute in there, `cuda` or `cpu`."""
    import ctranslate2

    return frozenset(map(str, ctranslate2.get_supported_compute_types(device)))


def whisper(folder: Folder, device: str, compute_type: str, threads: int, streams: int) -> Any:
    """A `faster_whisper.WhisperModel`, loaded.

    Raises:
        CannotLoad: a file of it is damaged.
        RuntimeError, MemoryError: as the library has them.
    """
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            str(folder.path),
            device=device,
            compute_type=compute_type,
            cpu_threads=threads,
            num_workers=streams,
            local_files_only=True,
        )
    except ValueError as error:
        raise CannotLoad(Problem("Model refused", f"{folder.path}: {error}.", "Fetch the model again.")) from error
    except Exception as error:
        # That of tokenizers has no type of its own.
        if type(error) is not Exception:
            raise
        raise CannotLoad(
            Problem("Model damaged", f"The tokenizer in {folder.path}: {error}.", "Fetch the model again.")
        ) from error


def give_back(model: Any) -> bool:
    """Let CTranslate2 free its weights; whether it did: it silently does not while a batch is computed."""
    with contextlib.suppress(RuntimeError):
        model.model.unload_model()
    return not model.model.model_is_loaded
