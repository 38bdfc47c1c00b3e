"""The examples run as they are: the client, and the engines that `make demo-gpus` runs."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import anyio
import pexpect
import pyte
import pytest
from scripted_supervisor import Script

from ipc import control

pytestmark = pytest.mark.anyio
pytest_plugins = ["command_lines"]
ROOT = Path(__file__).parents[2]


async def test_connect(script: Script) -> None:
    command = [sys.executable, str(ROOT / "examples" / "connect.py")]
    done = await anyio.run_process(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.decode() == "Tokens are pieces."
    assert any(isinstance(one, control.Ask) and one.engine == "writer" for one in script.asked)


async def test_ask(script: Script) -> None:
    command = [sys.executable, str(ROOT / "examples" / "ask.py")]
    done = await anyio.run_process(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.decode() == "Tokens are pieces."


async def test_ask_takes_messages_and_options_and_may_be_left(script: Script) -> None:
    import engineroom

    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What?"}]
    async with engineroom.ask("writer", messages, max_tokens=9, state=str(script.state)) as answer:
        async for text in answer:
            assert text == "Tokens are "
            break
    asked = [json.loads(one.payload) for one in script.asked if isinstance(one, control.Ask)]
    assert asked == [{"messages": messages, "max_tokens": 9}]


async def test_the_module_offers_the_words_and_no_more() -> None:
    import engineroom

    assert engineroom.control is control
    with pytest.raises(AttributeError, match="supervisor"):
        _ = engineroom.supervisor


def test_the_gpu_box_shows_its_engines_and_leaves_nothing() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENGINEROOM_")}
    path = f"{Path(sys.executable).parent}:{kept['PATH']}"
    command = ["-m", "simulator.run", "four", "--", "sh", "examples/gpu-box.sh"]
    screen = pyte.Screen(120, 34)
    stream = pyte.Stream(screen)
    with tempfile.TemporaryDirectory(prefix="er-") as place:
        environment = {**kept, "PATH": path, "TMPDIR": place, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        child = pexpect.spawn(
            sys.executable, command, cwd=ROOT, env=environment, dimensions=(34, 120), timeout=30, encoding="utf-8"
        )
        wanted = ("ear-medium held · memory", "vectors 1.4", "ear loading", "stranger render(5120) 9.0")
        while not all(part in "\n".join(screen.display) for part in wanted):
            stream.feed(child.read_nonblocking(65536))
        child.send("q")
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0
        assert list(Path(place).iterdir()) == []
