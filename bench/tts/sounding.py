"""The second stage, speech tokens to sound: the library, take by take, against ours. Flow, vocoder and watermark.

One process, in turn. On a CPU takes are computed one by one, so how many are asked for together changes nothing; at
full size one is measured there.
"""

from __future__ import annotations

from collections import defaultdict

from bench import table
from bench.peer import Peer
from bench.tts.case import Bench, Model, median, seconds

CASES = ((10, 10.0), (10, 3.0), (5, 10.0), (5, 3.0), (2, 10.0), (2, 3.0))
"""Steps of the flow, and seconds of the voice's reference."""
LIBRARY = "library"


def show(bench: Bench, model: Model) -> None:
    """Measure, print the table."""
    together = (1,) if model.full and bench.device == "cpu" else (1, 8)
    columns = ((LIBRARY, 1), *((precision, takes) for precision in ("fp32", "bf16") for takes in together))
    found: dict[tuple[int, float, str, int], list[float]] = defaultdict(list)
    with bench.child("sounding", model) as child:
        for counts in bench.rounds(model):
            for steps, reference in CASES:
                for column in columns:
                    taken = _sound(bench, child, model, *column, steps, reference)
                    if counts:
                        found[(steps, reference, *column)].append(taken)
    names = [name if name == LIBRARY or len(together) == 1 else f"{name}, {takes} together" for name, takes in columns]
    print(f"\n{model.name}: {bench.unit} for a second of audio; takes of {model.tokens} tokens.")
    table.head(("flow steps", "reference", *names, *(f"library / {name}" for name in names[1:])))
    for case in CASES:
        peers, *ours = [median(found[(*case, *column)]) for column in columns]
        cells = [table.number(each, 3 if each < 1 else 2) for each in (peers, *ours)]
        table.line(str(case[0]), f"{case[1]:g} s", *cells, *(table.ratio(peers / each) for each in ours))


def _sound(bench: Bench, child: Peer, model: Model, name: str, takes: int, steps: int, reference: float) -> float:
    order = {"tokens": model.tokens, "takes": takes, "steps": steps, "seconds": reference}
    told = child.ask(do="library", **order) if name == LIBRARY else child.ask(do="ours", precision=name, **order)
    return seconds(bench.device, [told["spent"]]) / float(told["audio_seconds"])
