"""Every precision, and the compiled step, write what the library's numbers say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
import torch
from speech_decode_kit import EXAGGERATION, START, Kind, chunk, decoded, small_t3, text, voice

from engines.tts.decode.cache import BlockCache, Place, Shape, WholeCache, reaches
from engines.tts.decode.chunk import Sampling
from engines.tts.decode.conditioning import conditioning
from engines.tts.decode.decoder import Decoder
from engines.tts.decode.gradients import without_gradients
from engines.tts.decode.linear import IntegerLinear, PackedLinear, PlainLinear, WeightOnlyLinear
from engines.tts.decode.numerics import Precision, numerics
from engines.tts.miniature.shrink import Sizes

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", ["english", "turbo"])
@pytest.mark.parametrize(("precision", "error"), [("fp32", 1e-4), ("fp16", 0.05), ("bf16", 0.2), ("int8", 0.2)])
def test_coarser_numbers_say_about_the_same(kind: Kind, precision: Precision, error: float) -> None:
    t3 = small_t3(kind)
    ours = _first_logits(Decoder(t3, precision), t3)
    wanted = torch.cat([_library_logits(t3, length) for length in (9, 31)])
    assert ours.dtype == torch.float32
    # Measured by how much the text matters.
    assert float((ours - wanted).norm(dim=1).max() / (wanted[0] - wanted[1]).norm()) < error


def _first_logits(decoder: Decoder, t3: Any) -> Any:
    """[2, tokens], for texts of 9 and 31 tokens."""
    unguided = Sampling(temperature=0.0, cfg=0.0)
    logits, seen = decoder._model.logits, []

    def noted(*given: Any) -> Any:
        seen.append(logits(*given).clone())
        return seen[-1]

    with patch.object(decoder._model, "logits", noted):
        written = decoded(decoder, [chunk(t3, length, limit=3, sampling=unguided) for length in (9, 31)])
    assert [len(tokens) for tokens in written] == [3, 3]
    return seen[0][:, :START]


@without_gradients
def _library_logits(t3: Any, length: int) -> Any:
    start = torch.tensor([[START]] if t3.is_gpt else [[START, START]])
    given = conditioning(t3, voice(), EXAGGERATION)[None]
    words, sounds = t3.text_emb(text(length)[None]), t3.speech_emb(start)
    if not t3.is_gpt:
        words, sounds = words + t3.text_pos_emb(words), sounds + t3.speech_pos_emb.emb.weight[0]
    seen = t3.tfmr(inputs_embeds=torch.cat((given, words, sounds), 1)).last_hidden_state
    return t3.speech_head(seen[:, -1])[:, :START]


@pytest.mark.parametrize("bias", [None, torch.arange(48) / 10])
@pytest.mark.parametrize(
    ("made", "error"),
    [
        (lambda weight, bias: PlainLinear(weight, bias), 1e-5),
        (lambda weight, bias: PackedLinear(weight, bias), 1e-5),
        (lambda weight, bias: IntegerLinear(weight, bias), 0.02),
        (lambda weight, bias: WeightOnlyLinear(weight, bias, torch.float32), 0.01),
    ],
)
@pytest.mark.parametrize("rows", [1, 3, 8])
def test_a_matrix_laid_out_anew_multiplies_the_same(made: Any, error: float, bias: Any, rows: int) -> None:
    torch.manual_seed(0)
    weight, x = torch.randn(48, 64), torch.randn(rows, 64)
    wanted = torch.nn.functional.linear(x, weight, bias)
    got = made(weight, bias)(x)
    assert got.shape == wanted.shape
    assert float((got - wanted).norm() / wanted.norm()) < error


def test_in_8_bits_a_loud_row_takes_nothing_from_a_quiet_one() -> None:
    torch.manual_seed(0)
    packed, x = IntegerLinear(torch.randn(32, 64), None), torch.randn(2, 64)
    alone = packed(x[:1])
    x[1] *= 1e6
    assert torch.equal(packed(x)[:1], alone)


def test_8_bits_on_a_cpu_leave_what_flows_in_32() -> None:
    assert numerics("int8", CPU).flow == torch.float32
    assert not numerics("bf16", CPU).int8
    assert numerics("fp16", CPU).kept == torch.float16


@pytest.mark.parametrize("made", [BlockCache, WholeCache])
def test_both_caches_see_what_attention_sees(made: Any) -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([70, 3, 127])
    keys, values = torch.randn(3, 128, 2, 8), torch.randn(3, 128, 2, 8)
    q = torch.randn(3, 2, 8)
    cache = made(Shape(1, 2, 8, torch.float32, CPU))
    cache.reserve(2, 50)
    cache.fill(0, 1, 0, keys[1, :3], values[1, :3])
    cache.reserve(5, 128)  # it grows, and keeps what it has
    cache.fill(0, 2, 0, keys[0, :40], values[0, :40])
    cache.fill(0, 2, 40, keys[0, 40:70], values[0, 40:70])
    cache.move([2], [0])
    cache.clear([2, 3])
    cache.fill(0, 2, 0, keys[2, :127], values[2, :127])
    at = torch.arange(3)
    seen = cache.attend(0, q, keys[at, lengths], values[at, lengths], Place(lengths, 128, reaches([70, 3, 127], 128)))
    for row, length in enumerate(lengths.tolist()):
        k, v = (each[row, : length + 1].transpose(0, 1)[None] for each in (keys, values))
        wanted = torch.nn.functional.scaled_dot_product_attention(q[row][None, :, None], k, v)
        assert torch.allclose(seen[row], wanted.flatten(), atol=1e-5)
        assert torch.equal(cache.keys_of(0, row, 1, length + 1), keys[row, : length + 1, 1])


def test_the_step_in_rounded_shapes_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    t3 = small_t3("english")
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    for precision in ("fp32", "int8"):
        shapes: list[tuple[int, ...]] = []
        compiled: list[int] = []

        @contextmanager
        def compiling(shapes: list[tuple[int, ...]] = shapes, compiled: list[int] = compiled) -> Iterator[None]:
            before = len(shapes)
            yield
            compiled.append(before)

        rounded = Decoder(t3, precision, compiled=True, compiling=compiling)
        rounded._model._compiled = _noting(rounded._model._compiled, shapes)
        chunks = [chunk(t3, length, limit=limit) for length, limit in ((9, 5), (31, 9), (55, 9))]
        written = decoded(rounded, chunks)
        if precision == "fp32":
            assert written == decoded(
                Decoder(t3, "fp32"), [chunk(t3, length, limit=limit) for length, limit in ((9, 5), (31, 9), (55, 9))]
            )
        assert shapes == [(8, 256)] * 5 + [(4, 256)] * 4
        assert compiled == [0, 5], "when a shape first comes"


def _noting(step: Any, shapes: list[tuple[int, ...]]) -> Any:
    def noted(tokens: Any, written: Any, lengths: Any, longest: int) -> Any:
        shapes.append((len(lengths), longest))
        return step(tokens, written, lengths, longest)

    return noted


def test_the_step_is_one_graph_that_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced by torch.compile; its code generator would take a minute, and is left out."""
    compiled, graphs = torch.compile, []

    def traced(step: Any, **named: Any) -> Any:
        def backend(graph: Any, _: object) -> Any:
            graphs.append(graph)
            return graph.forward

        return compiled(step, dynamic=named["dynamic"], backend=backend, fullgraph=True)

    monkeypatch.setattr(torch, "compile", traced)
    t3 = small_t3("english", Sizes(dimensions=16, layers=1, heads=1))
    plain = decoded(Decoder(t3, "fp32"), [chunk(t3, 9, limit=20)])
    assert decoded(Decoder(t3, "fp32", compiled=True), [chunk(t3, 9, limit=20)]) == plain
    assert len(graphs) == 1
