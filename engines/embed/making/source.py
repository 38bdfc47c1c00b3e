"""What a folder with weights says of its model: config.json, and what sentence-transformers puts beside it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from engines.contract import CannotLoad
from ipc.errors import Problem

Pooling: TypeAlias = Literal["mean", "cls"]
T = TypeVar("T")

_FETCH = "Fetch the whole folder of the model, such as a clone of its repository."


class _Config(Struct, frozen=True):
    """The part of config.json that the graph needs."""

    architectures: tuple[str, ...] = ()
    hidden_size: int = 0
    num_hidden_layers: int = 0
    num_attention_heads: int = 1
    intermediate_size: int = 0
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    max_position_embeddings: int = 512
    position_embedding_type: str | None = None
    pad_token_id: int | None = None


class _Module(Struct, frozen=True):
    type: str
    path: str


class _Pooled(Struct, frozen=True):
    pooling_mode_cls_token: bool = False
    pooling_mode_mean_tokens: bool = False
    pooling_mode: str = ""


class _Sentence(Struct, frozen=True):
    max_seq_length: int | None = None
    do_lower_case: bool = False


class _Cutter(Struct, frozen=True):
    """tokenizer_config.json; where nobody said how long a text may be, it has a number beyond every whole one."""

    model_max_length: float | None = None


class Source(Struct, frozen=True):
    """A model as its folder tells it. `activation` is `gelu` or `relu` where the graph can be written from it."""

    folder: Path
    architecture: str
    width: int
    layers: int
    heads: int
    inner: int
    """Width within a layer."""
    activation: str
    norm_epsilon: float
    positions: str
    first_position: int
    """Row of the table of places that the first token takes."""
    max_tokens: int
    pooling: Pooling
    normalised: bool
    lowercase: bool

    @property
    def head_size(self) -> int:
        """Numbers of a token that one head sees."""
        return self.width // self.heads

    @property
    def weights(self) -> Path:
        """The file with the tensors."""
        return self.folder / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        """The file that cuts texts into tokens."""
        return self.folder / "tokenizer.json"

    def is_bert(self) -> bool:
        """Whether the graph can be written from the weights alone."""
        known = self.architecture in ("BertModel", "BertForMaskedLM", *_ROBERTA)
        return known and self.positions == "absolute" and self.activation in ("gelu", "relu")


_ROBERTA = ("RobertaModel", "XLMRobertaModel", "RobertaForMaskedLM", "XLMRobertaForMaskedLM")
"""Their places begin behind the number of the padding token."""


def read(folder: Path) -> Source:
    """What the folder says.

    Raises:
        CannotLoad: a file is missing or unreadable, or the model does more to its vectors than pool and normalise.
    """
    config = _file(folder / "config.json", _Config)
    architecture = config.architectures[0] if config.architectures else ""
    pooling, normalised = _pooling(folder)
    sentence = _optional(folder / "sentence_bert_config.json", _Sentence())
    first = (1 if config.pad_token_id is None else config.pad_token_id) + 1 if architecture in _ROBERTA else 0
    cutter = _optional(folder / "tokenizer_config.json", _Cutter())
    most = int(min(config.max_position_embeddings - first, cutter.model_max_length or math.inf))
    return Source(
        folder=folder,
        architecture=architecture,
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        inner=config.intermediate_size,
        activation=config.hidden_act,
        norm_epsilon=config.layer_norm_eps,
        positions=config.position_embedding_type or "absolute",
        first_position=first,
        max_tokens=min(sentence.max_seq_length or most, most),
        pooling=pooling,
        normalised=normalised,
        lowercase=sentence.do_lower_case,
    )


def _pooling(folder: Path) -> tuple[Pooling, bool]:
    """How sentence-transformers would make one vector of many; a bare encoder gets the mean, normalised."""
    modules = _file(folder / "modules.json", list[_Module]) if (folder / "modules.json").exists() else []
    if not modules:
        return "mean", True
    kinds = [module.type.rpartition(".")[2] for module in modules]
    if kinds[:2] != ["Transformer", "Pooling"] or kinds[2:] not in ([], ["Normalize"]):
        raise CannotLoad(
            Problem(
                "Model not supported",
                f"{folder.name} is built of {', '.join(kinds)}.",
                "An encoder with pooling and normalisation can be imported.",
            )
        )
    told = _file(folder / modules[1].path / "config.json", _Pooled)
    mode: dict[str, Pooling] = {"mean": "mean", "cls": "cls"}
    if told.pooling_mode_mean_tokens and not told.pooling_mode_cls_token:
        return "mean", kinds[2:] == ["Normalize"]
    if told.pooling_mode_cls_token and not told.pooling_mode_mean_tokens:
        return "cls", kinds[2:] == ["Normalize"]
    if told.pooling_mode in mode:
        return mode[told.pooling_mode], kinds[2:] == ["Normalize"]
    raise CannotLoad(
        Problem(
            "Pooling not supported",
            f"{folder.name} pools neither by the mean nor by the first token.",
            "Choose a model that does.",
        )
    )


def _file(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise CannotLoad(Problem("No such model", f"{path.parent} has no {path.name}.", _FETCH)) from error
    except OSError as error:
        raise CannotLoad(Problem("Model unreadable", f"{path}: {error.strerror}.", _FETCH)) from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise CannotLoad(Problem("Model unreadable", f"{path}: {error}.", _FETCH)) from error


def _optional(path: Path, default: T) -> T:
    return _file(path, type(default)) if path.exists() else default
