"""Models of other architectures than BERT's: torch traces them, where it and transformers are installed."""

from __future__ import annotations

from pathlib import Path

from engines.contract import CannotLoad
from engines.embed.making.source import Source
from ipc.errors import Problem


def trace(source: Source, path: Path) -> None:
    """Write the graph of `source` with its weights to `path`.

    Raises:
        CannotLoad: torch or transformers is missing, or the model cannot be traced.
    """
    try:
        import torch
        from transformers import AutoModel
    except ImportError as error:
        raise CannotLoad(
            Problem(
                "Torch wanted",
                f"{source.folder.name} is a {source.architecture or 'model of no known architecture'},"
                " and its graph cannot be written from its weights alone.",
                "In any environment: pip install 'engineroom[embed]' torch transformers onnxscript, then there:"
                f" engineroom models import {source.folder}.",
            )
        ) from error

    class Pooled(torch.nn.Module):  # type: ignore[misc]  # (torch is not installed where types are checked)
        """The encoder with what makes one vector of many."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = AutoModel.from_pretrained(source.folder, local_files_only=True).eval()

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask[:, :, None].to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            vectors = hidden[:, 0] if source.pooling == "cls" else mean
            return torch.nn.functional.normalize(vectors, dim=1) if source.normalised else vectors

    ids = torch.full((2, 7), 5, dtype=torch.int64)
    free = {0: "batch", 1: "length"}
    torch.onnx.export(
        Pooled().eval(),
        (ids, torch.ones_like(ids)),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=["embeddings"],
        dynamic_shapes={"input_ids": free, "attention_mask": free},
        opset_version=18,
        dynamo=True,
        external_data=False,
    )
