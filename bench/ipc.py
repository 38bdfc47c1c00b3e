"""What the transport costs: round trips, and messages a second at 1 and 64 a write. Prints a table, asserts nothing.

    python -m bench.ipc [--seconds N]

Both ends run in this process on one loop. Aims on two busy cores: round trip p50 at most 80 µs (45 µs under uvloop);
at least 700 k messages/s at 64 a write.
"""

from __future__ import annotations

import argparse
import importlib.util
import socket
import statistics
import time
from collections.abc import AsyncIterator

import anyio
import msgspec

from ipc import control, work
from ipc.channel import Link
from ipc.client import Client
from ipc.errors import Problem, RequestFailed
from ipc.feeding import Fed
from ipc.serving import serve
from ipc.sockets import SocketStream

FROM_CHILD: msgspec.msgpack.Decoder[work.FromChild] = msgspec.msgpack.Decoder(work.FromChild)
TO_CHILD: msgspec.msgpack.Decoder[work.ToChild] = msgspec.msgpack.Decoder(work.ToChild)
PIECE = work.Piece(7, "box-12", 345, " token")


def pair() -> tuple[SocketStream, SocketStream]:
    """Both ends of a socket."""
    left, right = socket.socketpair()
    return SocketStream(left), SocketStream(right)


async def link_round_trips(seconds: float) -> list[float]:
    """Seconds of each `CancelFlight` → `Landed`: a supervisor and an engine."""
    left, right = pair()
    taken: list[float] = []
    async with (
        Link[work.ToChild, work.FromChild](left, FROM_CHILD) as parent,
        Link[work.FromChild, work.ToChild](right, TO_CHILD) as child,
        anyio.create_task_group() as group,
    ):

        async def answer() -> None:
            async for order in child:
                if isinstance(order, work.CancelFlight):
                    child.send(work.Landed(order.flight))

        group.start_soon(answer)
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            parent.send(work.CancelFlight(1))
            await parent.receive()
            taken.append(time.perf_counter() - began)
        group.cancel_scope.cancel()
    return taken


class Nothing:
    """A service that does nothing, at once."""

    async def answer(self, command: control.OneAnswer) -> control.Answer:
        return control.Done("")

    async def items(self, command: control.Streaming, fed: Fed) -> AsyncIterator[control.Item]:
        raise RequestFailed(Problem("No", "There are no items.", ""))
        yield control.Piece("")


async def request_round_trips(seconds: float) -> list[float]:
    """Seconds of each request of a client to its reply: the same with ids, tasks and cancellation around it."""
    left, right = pair()
    taken: list[float] = []
    async with anyio.create_task_group() as group:
        group.start_soon(serve, right, Nothing())
        async with Client(left) as client:
            end = time.perf_counter() + seconds
            while (began := time.perf_counter()) < end:
                await client.ask(control.Status())
                taken.append(time.perf_counter() - began)
    return taken


async def messages_a_second(seconds: float, batch: int) -> tuple[float, float]:
    """Messages a second, and CPU microseconds for each on both sides together, when `batch` leave in one write."""
    left, right = pair()
    count = 0
    async with (
        Link[work.ToChild, work.FromChild](left, FROM_CHILD) as parent,
        Link[work.FromChild, work.ToChild](right, TO_CHILD) as child,
        anyio.create_task_group() as group,
    ):

        async def speak() -> None:
            while True:
                for _ in range(batch):
                    child.send(PIECE)
                await child.drained()

        group.start_soon(speak)
        began, cpu = time.perf_counter(), time.process_time()
        async for _ in parent:
            count += 1
            if count % 64 == 0 and time.perf_counter() - began > seconds:
                break
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        group.cancel_scope.cancel()
    return count / wall, cpu / count * 1e6


def main() -> None:
    """Measure on each loop there is, and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    options.add_argument("--seconds", type=float, default=2.0, help="how long each figure is measured")
    seconds: float = options.parse_args().seconds
    print(f"{'loop':8} {'what':22} {'p50 µs':>8} {'p99 µs':>8} {'k/s':>8} {'CPU µs each':>12}")
    for loop in ("asyncio", "uvloop") if importlib.util.find_spec("uvloop") else ("asyncio",):
        backend = {"use_uvloop": loop == "uvloop"}
        for what, measure in (("round trip, link", link_round_trips), ("round trip, request", request_round_trips)):
            cuts = statistics.quantiles(anyio.run(measure, seconds, backend_options=backend), n=100)
            print(f"{loop:8} {what:22} {cuts[49] * 1e6:8.0f} {cuts[98] * 1e6:8.0f}")
        for batch in (1, 64, 512):
            rate, cpu = anyio.run(messages_a_second, seconds, batch, backend_options=backend)
            print(f"{loop:8} {f'{batch} a write':22} {'':8} {'':8} {rate / 1e3:8.0f} {cpu:12.2f}")


if __name__ == "__main__":
    main()
