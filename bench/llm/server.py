"""Peers that are programs of llama.cpp itself; `bench.llm.build_peer` makes them."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket
from threading import local
from typing import Any

from bench.job import cpu_seconds, cpu_since
from bench.llm.contest import Run
from bench.llm.loop import BATCH
from bench.llm.render import Rendering, messages_of
from bench.peer import PeerFailed

SERVER, BATCHED = "llama-server", "llama-batched-bench"
READY_SECONDS = 30.0


@dataclass(frozen=True)
class Sizes:
    """How a program is to be started: as everybody else here."""

    model: Path
    length: int
    lanes: int
    threads: int
    gpu: bool
    environment: Mapping[str, str]

    def arguments(self, context: int) -> list[str]:
        """What both programs understand, with `context` tokens for each sequence."""
        threads, batch = str(self.threads), str(BATCH)
        return [
            "-m", str(self.model), "-c", str(context * self.lanes), "--no-kv-unified", "-t", threads, "-tb", threads,
            "-b", batch, "-ub", batch, "-ngl", "999" if self.gpu else "0",
        ]  # fmt: skip


class Server:
    """`llama-server` with as many slots as we have lanes; as many clients over kept connections are at it at once."""

    def __init__(self, pid: int, port: int, lanes: int, rendering: Rendering) -> None:
        self._process = {"server": pid}
        self._port, self._lanes, self._rendering = port, lanes, rendering
        self._own = local()

    def batch(self, source: Path, output: Path) -> Run:
        """Answer a whole file.

        Raises:
            PeerFailed
        """
        before, began = cpu_seconds(self._process), time.perf_counter()
        requests = [json.loads(line) for line in source.read_text().splitlines()]
        with ThreadPoolExecutor(self._lanes) as pool:
            answers = list(pool.map(self._answer, requests))
        with output.open("w") as out:
            out.writelines(json.dumps(answer) + "\n" for answer in answers)
            out.flush()
            os.fsync(out.fileno())
        seconds = time.perf_counter() - began
        cpu = cpu_since(before, self._process)["server"]
        return Run(sum(answer["tokens"] for answer in answers), seconds, cpu)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        body = {
            "prompt": self._rendering.text(messages_of(request)),
            "n_predict": request["max_tokens"],
            "temperature": 0,
            "samplers": ["top_k"],
            "top_k": 1,
            "cache_prompt": False,
        }
        try:
            if not hasattr(self._own, "connection"):
                self._own.connection = HTTPConnection("127.0.0.1", self._port)
            self._own.connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
            told = json.loads(self._own.connection.getresponse().read())
        except (OSError, HTTPException) as error:
            raise PeerFailed(f"{SERVER}: {error}") from error
        # It counts the token that says the answer is over; nobody else here does.
        written = told["tokens_predicted"] - (told["stop_type"] == "eos")
        return {"id": request["id"], "answer": told["content"], "tokens": written}


@contextmanager
def server(folder: Path, sizes: Sizes, template: str | None) -> Iterator[Server]:
    """The program at work.

    Raises:
        PeerFailed: it is not there, or did not become ready.
    """
    program = _program(folder, SERVER)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            program, *sizes.arguments(sizes.length), "-np", str(sizes.lanes), "--cache-ram", "0", "--no-webui",
            "--log-disable", "--host", "127.0.0.1", "--port", str(port),
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=sizes.environment, start_new_session=True,
    )  # fmt: skip
    try:
        _await_health(process, port)
        yield Server(process.pid, port, sizes.lanes, Rendering(template))
    finally:
        process.kill()
        process.wait()


def _await_health(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health"):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    how = "is not ready" if process.poll() is None else f"ended with {process.returncode}"
    raise PeerFailed(f"{SERVER} {how}")


def batched_bench(folder: Path, sizes: Sizes, prompt: int, written: int) -> Run:
    """llama.cpp's own measure of what can be computed: so many tokens read in each lane, then so many written.

    It draws no token and makes no text, and loading is not in its time.

    Raises:
        PeerFailed
    """
    command = [
        _program(folder, BATCHED), *sizes.arguments(sizes.length), "-npp", str(prompt), "-ntg", str(written),
        "-npl", str(sizes.lanes), "--output-format", "jsonl",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, env=sizes.environment, check=False, start_new_session=True
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not found:
        raise PeerFailed(f"{BATCHED} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return Run(sizes.lanes * written, found[0]["t"])


def _program(folder: Path, name: str) -> str:
    path = folder / name
    if not os.access(path, os.X_OK):
        raise PeerFailed(f"there is no {name} in {folder}: python -m bench.llm.build_peer makes it")
    return str(path)
