"""Which checkpoint the settings mean, and whether it is whole; nothing of it is loaded."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, TypeAlias

from engines.contract import CannotLoad
from engines.hubcache import hub_folder
from engines.identity import identity_of
from engines.tts.hub import is_hub_name, snapshots
from engines.tts.miniature.shrink import SIZES, sizes_of
from engines.tts.settings import CHATTERBOX, TtsSettings
from engines.tts.settings import Backend as Asked
from engines.tts.tensorfile import BrokenFile, Tensor, tensors_of
from engines.tts.typed import is_folder, path_of
from ipc.errors import Problem
from ipc.places import data_folder, models_folder

Backend: TypeAlias = Literal["english", "multilingual", "turbo"]
BUILT_IN_VOICE: Final = "conds.pt"
CANGJIE: Final = "Cangjie5_TC.json"
"""What Chinese characters are spelt with."""
TURBO: Final = "ResembleAI/chatterbox-turbo"
FULL_CHANNELS: Final = 256
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Files:
    """Names of the files of one backend: voice encoder, what writes tokens, what makes sound of them, tokenizer."""

    voice: str
    tokens: str
    sound: str
    tokenizer: str

    @property
    def all(self) -> tuple[str, ...]:
        """Those that must be there."""
        return self.voice, self.tokens, self.sound, self.tokenizer


FILES: Final[dict[Backend, Files]] = {
    "english": Files("ve.safetensors", "t3_cfg.safetensors", "s3gen.safetensors", "tokenizer.json"),
    "multilingual": Files("ve.pt", "t3_mtl23ls_v2.safetensors", "s3gen.pt", "grapheme_mtl_merged_expanded_v1.json"),
    "turbo": Files("ve.safetensors", "t3_turbo_v1.safetensors", "s3gen_meanflow.safetensors", "tokenizer_config.json"),
}
_NAMES: Final[dict[Backend, str]] = {
    "english": "chatterbox",
    "multilingual": "chatterbox-multilingual",
    "turbo": "chatterbox-turbo",
}


@dataclass(frozen=True)
class Checkpoint:
    """A folder that was looked into, whole for this backend."""

    path: Path
    backend: Backend

    @property
    def files(self) -> Files:
        """What they are called."""
        return FILES[self.backend]

    @property
    def name(self) -> str:
        """For people."""
        return "miniature" if (self.path / SIZES).is_file() else _NAMES[self.backend]

    @cached_property
    def tokens(self) -> dict[str, Tensor]:
        """The tensors of the part that writes tokens."""
        return tensors_of(self.path / self.files.tokens)

    @property
    def sound_channels(self) -> int:
        """How wide the flow is; as at full size where the file does not tell."""
        sizes = sizes_of(self.path)
        return FULL_CHANNELS if sizes is None else sizes.sound_channels

    @property
    def sound_bytes(self) -> int:
        """The part that makes sound, as it is in the file: 32 bits a number."""
        return (self.path / self.files.sound).stat().st_size

    @property
    def voice_bytes(self) -> int:
        """The part that listens to a voice."""
        return (self.path / self.files.voice).stat().st_size

    def identity(self) -> str:
        """Of all its files: a replaced one is another model."""
        return identity_of(self.path / name for name in (*self.files.all, BUILT_IN_VOICE, SIZES))


def found(settings: TtsSettings) -> Checkpoint:
    """The checkpoint that the settings mean.

    Raises:
        CannotLoad: it is not there, is none of Chatterbox, or a file of it is missing or cut short.
    """
    path = folder_of(settings)
    backend = backend_of(path, settings.backend)
    checkpoint = Checkpoint(path, backend)
    _whole(checkpoint)
    if not settings.voice and not (path / BUILT_IN_VOICE).is_file():
        raise CannotLoad(
            Problem(
                "No voice",
                f"{path} has no built-in voice ({BUILT_IN_VOICE}), and no other is set.",
                "Set voice to a recording of some seconds.",
            )
        )
    return checkpoint


def folder_of(settings: TtsSettings) -> Path:
    """Where the model lies: a path, a repository of the hub that was fetched before, or a name in the data folder.

    Raises:
        CannotLoad: there is no such folder.
    """
    model = settings.model
    if is_hub_name(model):
        revisions = snapshots(model, os.environ)
        whole = (path for path in revisions if _looks_whole(path, settings.backend))
        if (path := next(whole, revisions[0] if revisions else None)) is not None:
            return path
        raise CannotLoad(
            Problem(
                "Model missing",
                f"{model} was not fetched: it is not in {hub_folder(os.environ)}.",
                f"Fetch it once: {_fetch(model)}.",
            )
        )
    path = path_of(model) if os.sep in model or model.startswith("~") else _in_data_folder(model)
    if not is_folder(path):
        raise CannotLoad(
            Problem(
                "Model missing",
                f"There is no folder {path}.",
                f"Set model to a folder with a Chatterbox checkpoint, or fetch one: {_fetch(CHATTERBOX)}.",
            )
        )
    return path


def backend_of(folder: Path, asked: Asked) -> Backend:
    """Which Chatterbox the folder holds; the English one where it is `auto` and several lie together.

    Raises:
        CannotLoad: it holds none.
    """
    if asked != "auto":
        return asked
    for backend, files in FILES.items():
        if (folder / files.tokens).exists():
            return backend
    raise CannotLoad(
        Problem(
            "Not a Chatterbox checkpoint",
            f"{folder} has none of {', '.join(files.tokens for files in FILES.values())}.",
            f"Fetch one: {_fetch(CHATTERBOX)}.",
        )
    )


def _whole(checkpoint: Checkpoint) -> None:
    missing = [name for name in checkpoint.files.all if not (checkpoint.path / name).is_file()]
    fetch = _fetch(TURBO if checkpoint.backend == "turbo" else CHATTERBOX)
    if missing:
        others = [name for name, files in FILES.items() if (checkpoint.path / files.tokens).exists()]
        other = f" It has the files of: {', '.join(others)}." if others and checkpoint.backend not in others else ""
        raise CannotLoad(
            Problem(
                "Model incomplete",
                f"{checkpoint.path} has no {' and no '.join(missing)}, which the {checkpoint.backend} Chatterbox"
                f" needs.{other}",
                "Set backend to auto." if other else f"Fetch what is missing: {fetch}.",
            )
        )
    for name in checkpoint.files.all[:3]:
        path = checkpoint.path / name
        try:
            _check(path)
        except BrokenFile as error:
            raise CannotLoad(
                Problem("Model truncated", f"{path} {error}.", f"Fetch it again: {fetch} --force-download.")
            ) from error
        except OSError as error:
            raise CannotLoad(
                Problem("Model unreadable", f"{path}: {error.strerror}.", "Check its permissions.")
            ) from error


def _check(path: Path) -> None:
    if path.suffix == ".safetensors":
        tensors_of(path)
        return
    with path.open("rb") as file:
        packed = file.read(len(_ZIP)) == _ZIP
    if packed and not zipfile.is_zipfile(path):  # the table of an archive lies at its end
        raise BrokenFile(f"is cut short: it has {path.stat().st_size:,} bytes and no table at its end")


def _looks_whole(folder: Path, asked: Asked) -> bool:
    backends = FILES.values() if asked == "auto" else (FILES[asked],)
    return any(all((folder / name).is_file() for name in files.all) for files in backends)


def _in_data_folder(name: str) -> Path:
    return models_folder(data_folder(os.environ)) / name


def _fetch(repository: str) -> str:
    return f"hf download {repository}"
