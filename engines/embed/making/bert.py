"""A BERT-class encoder as an ONNX graph, written from its weights: token numbers in, one vector a text out.

The operators stand as a traced model has them, so that onnxruntime recognises gelu and scaled products and fuses
them; with its own fused attention in their place it was no faster (docs/embed.md) (`Devlin et al. 2018 <https://arxiv.org/abs/1810.04805>`_).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from engines.embed.making.safetensors import Floats, Tensors
from engines.embed.making.source import Source

OPSET = 17
IDS, MASK, VECTORS = "input_ids", "attention_mask", "embeddings"
_MASKED = -10000.0
"""Added to what attention must not see."""


def build(source: Source, tensors: Tensors) -> onnx.ModelProto:
    """The whole model, weights included; batch and length are free.

    Raises:
        CannotLoad: a tensor is missing.
    """
    graph = _Graph()
    names = _Names(tensors, source)
    hidden = _embedded(graph, names, source)
    mask = _attention_mask(graph)
    for layer in range(source.layers):
        hidden = _layer(graph, names, source, layer, hidden, mask)
    _pooled(graph, source, hidden)
    return graph.model()


class _Names:
    """Weights by the names that BERT gives them; some files put a prefix before each."""

    def __init__(self, tensors: Tensors, source: Source) -> None:
        self._tensors = tensors
        known = "embeddings.word_embeddings.weight"
        self._prefix = next((name.removesuffix(known) for name in tensors.names() if name.endswith(known)), "")
        self.source = source

    def floats(self, name: str) -> Floats:
        return self._tensors.floats(self._prefix + name)


class _Graph:
    """Collects nodes and weights."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, onnx.TensorProto] = {}

    def weight(self, name: str, value: NDArray[Any]) -> str:
        """A constant; its name."""
        if name not in self._weights:
            self._weights[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def numbers(self, *values: int) -> str:
        """A constant list of whole numbers."""
        return self.weight("numbers_" + "_".join(map(str, values)), np.array(values, np.int64))

    def float(self, value: float) -> str:
        """A constant float."""
        return self.weight(f"float_{value!r}", np.array(value, np.float32))

    def node(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """An operator with one output; its name."""
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name=f"{operator}:{name}", **attributes))
        return name

    def model(self) -> onnx.ModelProto:
        """The graph as a model."""
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in (IDS, MASK)]
        outputs = [helper.make_tensor_value_info(VECTORS, TensorProto.FLOAT, ["batch", "dimensions"])]
        graph = helper.make_graph(self._nodes, "encoder", inputs, outputs, list(self._weights.values()))
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="engineroom", ir_version=9
        )
        onnx.checker.check_model(model)
        return model


def _embedded(graph: _Graph, names: _Names, source: Source) -> str:
    """Words and places; every token is of the first type, so that its row is added to the places beforehand."""
    words = graph.weight("words", names.floats("embeddings.word_embeddings.weight"))
    places = names.floats("embeddings.position_embeddings.weight")[source.first_position :]
    types = names.floats("embeddings.token_type_embeddings.weight")
    graph.weight("places", places + types[0])
    taken = graph.node("Gather", [words, IDS], "taken")
    length = graph.node("Slice", [graph.node("Shape", [IDS], "shape"), graph.numbers(1), graph.numbers(2)], "length")
    placed = graph.node("Slice", ["places", graph.numbers(0), length, graph.numbers(0)], "placed")
    summed = graph.node("Add", [taken, placed], "embedded")
    return _norm(graph, names, source, "embeddings.LayerNorm", summed, "embedded_norm")


def _attention_mask(graph: _Graph) -> str:
    """0 where there is a token, far below where there is none: [batch, 1, 1, length]."""
    wide = graph.node("Unsqueeze", [MASK, graph.numbers(1)], "mask_1")
    wider = graph.node("Unsqueeze", [wide, graph.numbers(2)], "mask_2")
    floats = graph.node("Cast", [wider], "mask_floats", to=TensorProto.FLOAT)
    absent = graph.node("Sub", [graph.float(1.0), floats], "mask_absent")
    return graph.node("Mul", [absent, graph.float(_MASKED)], "mask_added")


def _layer(graph: _Graph, names: _Names, source: Source, number: int, hidden: str, mask: str) -> str:
    weights, at = f"encoder.layer.{number}", f"l{number}"
    query, value = (_head(graph, names, source, weights, at, hidden, which) for which in ("query", "value"))
    key = _head(graph, names, source, weights, at, hidden, "key", turned=True)
    scores = graph.node("MatMul", [query, key], f"{at}_scores")
    scaled = graph.node("Div", [scores, graph.float(float(np.sqrt(source.head_size)))], f"{at}_scaled")
    seen = graph.node("Add", [scaled, mask], f"{at}_seen")
    shares = graph.node("Softmax", [seen], f"{at}_shares", axis=3)
    context = graph.node("MatMul", [shares, value], f"{at}_context")
    together = graph.node("Transpose", [context], f"{at}_together", perm=[0, 2, 1, 3])
    flat = graph.node("Reshape", [together, graph.numbers(0, 0, source.width)], f"{at}_flat")
    attended = _linear(graph, names, f"{weights}.attention.output.dense", flat, f"{at}_attended")
    kept = graph.node("Add", [attended, hidden], f"{at}_kept")
    normed = _norm(graph, names, source, f"{weights}.attention.output.LayerNorm", kept, f"{at}_normed")
    inner = _active(
        graph, source, _linear(graph, names, f"{weights}.intermediate.dense", normed, f"{at}_inner"), f"{at}_active"
    )
    outer = _linear(graph, names, f"{weights}.output.dense", inner, f"{at}_outer")
    added = graph.node("Add", [outer, normed], f"{at}_added")
    return _norm(graph, names, source, f"{weights}.output.LayerNorm", added, f"{at}_out")


def _head(
    graph: _Graph,
    names: _Names,
    source: Source,
    weights: str,
    at: str,
    hidden: str,
    which: str,
    *,
    turned: bool = False,
) -> str:
    """[batch, heads, length, head size]; the last two the other way round where it is `turned`."""
    flat = _linear(graph, names, f"{weights}.attention.self.{which}", hidden, f"{at}_{which}")
    shape = graph.numbers(0, 0, source.heads, source.head_size)
    split = graph.node("Reshape", [flat, shape], f"{at}_{which}_split")
    order = [0, 2, 3, 1] if turned else [0, 2, 1, 3]
    return graph.node("Transpose", [split], f"{at}_{which}_heads", perm=order)


def _linear(graph: _Graph, names: _Names, weights: str, inputs: str, name: str) -> str:
    matrix = graph.weight(f"{weights}.weight", names.floats(f"{weights}.weight").T)
    bias = graph.weight(f"{weights}.bias", names.floats(f"{weights}.bias"))
    return graph.node("Add", [graph.node("MatMul", [inputs, matrix], f"{name}_product"), bias], name)


def _norm(graph: _Graph, names: _Names, source: Source, weights: str, inputs: str, name: str) -> str:
    scale = graph.weight(f"{weights}.weight", names.floats(f"{weights}.weight"))
    bias = graph.weight(f"{weights}.bias", names.floats(f"{weights}.bias"))
    return graph.node("LayerNormalization", [inputs, scale, bias], name, axis=-1, epsilon=source.norm_epsilon)


def _active(graph: _Graph, source: Source, inputs: str, name: str) -> str:
    """gelu(x) = x · ½ (1 + erf(x / √2)), or relu."""
    if source.activation == "relu":
        return graph.node("Relu", [inputs], name)
    divided = graph.node("Div", [inputs, graph.float(float(np.sqrt(2.0)))], f"{name}_divided")
    error = graph.node("Add", [graph.node("Erf", [divided], f"{name}_erf"), graph.float(1.0)], f"{name}_sum")
    product = graph.node("Mul", [inputs, error], f"{name}_product")
    return graph.node("Mul", [product, graph.float(0.5)], name)


def _pooled(graph: _Graph, source: Source, hidden: str) -> str:
    """One vector a text, of length 1 where the model is meant so."""
    last = "pooled" if source.normalised else VECTORS
    if source.pooling == "cls":
        graph.node("Gather", [hidden, graph.weight("first", np.array(0, np.int64))], last, axis=1)
    else:
        floats = graph.node("Cast", [MASK], "mean_mask", to=TensorProto.FLOAT)
        row = graph.node("Unsqueeze", [floats, graph.numbers(1)], "mean_row")
        summed = graph.node("MatMul", [row, hidden], "mean_sums")
        sums = graph.node("Squeeze", [summed, graph.numbers(1)], "mean_sum")
        count = graph.node("ReduceSum", [floats, graph.numbers(1)], "mean_count", keepdims=1)
        graph.node("Div", [sums, graph.node("Max", [count, graph.float(1e-9)], "mean_least")], last)
    if source.normalised:
        length = graph.node("ReduceL2", [last], "vector_length", axes=[1], keepdims=1)
        graph.node("Div", [last, graph.node("Max", [length, graph.float(1e-12)], "vector_least")], VECTORS)
    return VECTORS
