"""How long a word takes from its end in the sound to the moment in which it is committed.

    python -m bench.stt.live [--utterances N] [--steps MS …] [--room]

The bundled utterances with silences of 0.7 to 1.5 s between and noise at 1e-3, with the miniature in int8 on one
thread. Each `step_ms` is measured in a time in which sound comes as it is spoken and only this process's CPU counts
besides. With `--room` also in real time, through client, supervisor and engine, with all that this machine does. When a
word ends is known only about: an utterance begins and ends where it is loud, and between the two each word takes its
share of the letters. Aims: median at most 0.4 s, p95 at most 0.7 s, word errors at most 2 %.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio

from bench.room import load_note, open_room
from bench.stt.realtime import FEED_SECONDS, FedFlight, RealTime
from bench.stt.speaker import Latencies, Spoken, latencies, spoken
from bench.table import head, line, number
from engines.stt import library
from engines.stt.decode.decoder import Decoder
from engines.stt.folder import Folder, found
from engines.stt.listening.live import LiveFlight, Pass
from engines.stt.listening.sound import Samples
from engines.stt.live import Hearer
from engines.stt.manner import Manners
from engines.stt.settings import SttSettings
from engines.stt.unit import RATE
from engines.stt.vad.silero import Silero
from ipc.client import Client, connect_unix
from ipc.listening import Listening

STEPS: Final = (150, 200, 250, 300, 500)
_COLUMNS: Final = (
    "step_ms",
    "median s",
    "p95 s",
    "max s",
    "word errors %",
    "ms of CPU a pass",
    "passes a second",
    "CPU %",
)
_CONFIG: Final = '[engine.ears]\nkind = "stt"\ngpu = "cpu"\ncpu_threads = 1\n'


@dataclass(frozen=True)
class Ears:
    """One loaded model."""

    decoder: Decoder
    folder: Folder
    silero: Silero

    def listen(
        self, said: Spoken, settings: SttSettings, spent: Callable[[float], None] = lambda _: None
    ) -> tuple[FedFlight, RealTime]:
        """One live flight from its beginning to its end; `spent` is told the CPU seconds of each pass."""
        hearer = Hearer(self.decoder, Manners(self.folder).of(settings, {}, deterministic=False))

        def hear(samples: Samples) -> Pass:
            began = time.process_time()
            heard = hearer.hear(samples)
            spent(time.process_time() - began)
            return heard

        clock = RealTime()
        flight = FedFlight(clock)
        live = LiveFlight(
            flight,
            flight.orders[0],
            hear,
            self.silero.fresh(),
            settings,
            window_seconds=self.folder.window_seconds,
            clock=time.process_time,
        )
        clock.speak(live, flight, said.samples)
        return flight, clock


def ears() -> Ears:
    """The miniature in int8, on one thread."""
    library.prepare()
    folder = found(SttSettings())
    return Ears(Decoder(library.whisper(folder, "cpu", "int8", 1, 1), folder.window_samples), folder, Silero())


def show(utterances: int, steps: tuple[int, ...]) -> None:
    """Print the table."""
    said, model = spoken(utterances), ears()
    seconds = len(said.samples) / RATE
    print(f"\n{utterances} utterances, {len(said.words)} words, {seconds:.0f} s: {load_note()}")
    head(_COLUMNS, words=0)
    for step in steps:
        spent = list[float]()
        flight, clock = model.listen(said, SttSettings(step_ms=step), spent.append)
        _row(
            str(step),
            latencies(said, flight.commits),
            number(statistics.median(spent) * 1000),
            number(len(spent) / seconds, 1),
            number(100 * sum(clock.steps) / seconds),
        )


def _row(name: str, of: Latencies, *cost: str) -> None:
    figures = (of.at(0.5), of.at(0.95), max(of.seconds))
    line(name, *(number(figure, 2) for figure in figures), number(100 * of.word_errors, 1), *cost)


async def _speak(listening: Listening, said: Spoken, began: float) -> None:
    data, size = said.samples.tobytes(), int(FEED_SECONDS * RATE) * 2
    for begin in range(0, len(data), size):
        piece = data[begin : begin + size]
        await anyio.sleep_until(began + (begin + len(piece)) / 2 / RATE)
        await listening.feed(piece)
    listening.end()


async def _through(client: Client, said: Spoken) -> Latencies:
    commits = list[tuple[float, str]]()
    async with client.listen("ears") as listening, anyio.create_task_group() as tasks:
        began = anyio.current_time()
        tasks.start_soon(_speak, listening, said, began)
        async for live in listening:
            commits.append((anyio.current_time() - began, live.commit))
    return latencies(said, commits)


def show_room(utterances: int) -> None:
    """Print a line of the same table, in real time."""
    said = spoken(utterances)

    async def measure(socket: Path) -> Latencies:
        async with connect_unix(socket) as client:
            return await _through(client, said)

    with open_room(_CONFIG, {"OMP_NUM_THREADS": "1"}) as room:
        room.run("start", "ears")
        print(f"\nthrough a room, in real time: {load_note()}")
        head(_COLUMNS[:5], words=1)
        _row(f"{SttSettings().step_ms}", anyio.run(measure, room.socket))
        print(f"\n{load_note()}")


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.stt.live")
    parser.add_argument("--utterances", type=int, default=25)
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS), metavar="MS")
    parser.add_argument("--room", action="store_true", help="also through a whole room, in real time")
    told = parser.parse_args()
    show(told.utterances, tuple(told.steps))
    if told.room:
        show_room(told.utterances)


if __name__ == "__main__":
    main()
