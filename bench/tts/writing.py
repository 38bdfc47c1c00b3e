"""The first stage, text to speech tokens: the library's own loop, chunk by chunk, against ours, many chunks together.

One process with one set of weights, in turn. Tokens a second of the whole stage, reading the text included, and then of
the steps alone.
"""

from __future__ import annotations

from collections import defaultdict

from bench import table
from bench.peer import Peer, Told
from bench.tts.case import TOGETHER, Bench, Model, median, seconds, times

PRECISIONS = ("fp32", "bf16", "int8")
COMPILED = ("bf16 compiled",)
"""On a GPU: with CUDA graphs."""
AIMS = {("fp32", 8): 4.0, ("bf16", 8): 9.0, ("int8", 8): 15.0}
LIBRARY = ("library", 1)


def show(bench: Bench, model: Model) -> None:
    """Measure, print the tables."""
    precisions = PRECISIONS + (COMPILED if bench.device == "cuda" else ())
    cases = [(precision, together) for precision in precisions for together in TOGETHER]
    whole: dict[tuple[str, int], list[float]] = defaultdict(list)
    steps: dict[tuple[str, int], list[float]] = defaultdict(list)
    written: set[float] = set()
    with bench.child("writing", model) as child:
        for counts in bench.rounds(model):
            for case in (LIBRARY, *cases):
                told = _write(child, model, case)
                if counts:
                    tokens = told["tokens"]
                    written.add(tokens / case[1])
                    decoding = seconds(bench.device, told["decoded"])
                    whole[case].append(tokens / (seconds(bench.device, told["begun"]) + decoding))
                    steps[case].append(tokens / decoding)
    print(f"\n{model.name}: tokens of a chunk: {', '.join(f'{each:g}' for each in sorted(written))}.")
    for name, rates, aims in (("the whole stage", whole, AIMS if model.full else {}), ("its steps alone", steps, {})):
        peers = median(rates[LIBRARY])
        table.head((f"tokens per {bench.unit}, {name}", *(f"{each} together" for each in TOGETHER)))
        table.line("library", table.number(peers, 1), *[table.UNKNOWN] * (len(TOGETHER) - 1))
        for precision in precisions:
            cells = [times(median(rates[precision, each]), peers, aims.get((precision, each))) for each in TOGETHER]
            table.line(precision, *cells)


def _write(child: Peer, model: Model, case: tuple[str, int]) -> Told:
    precision, together = case
    if case == LIBRARY:
        return child.ask(do="library", texts=model.texts(1))
    return child.ask(do="ours", precision=precision, texts=model.texts(together), expected=2 * model.tokens)
