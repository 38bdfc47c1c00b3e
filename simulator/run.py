"""Runs a command on a simulated box: `python -m simulator.run eight -- engineroom`; edits of the scenario count."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from simulator.build import BuildFailed, library_folder
from simulator.scenario import ScenarioError, named, publish

SCENARIO = "ENGINEROOM_GPU_SCENARIO"
ACCOUNTS = "ENGINEROOM_GPU_ACCOUNTS"


def environment(lines: Path, accounts: Path | None = None, *, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables a program needs to see the GPUs of the published scenario `lines`.

    Raises:
        BuildFailed
    """
    searched = [str(library_folder()), *filter(None, [base.get("LD_LIBRARY_PATH")])]
    extra = {ACCOUNTS: str(accounts)} if accounts else {}
    return {**base, "LD_LIBRARY_PATH": ":".join(searched), SCENARIO: str(lines), **extra}


def _follow(source: Path, lines: Path, accounts: Path, start_unix: float, over: threading.Event) -> None:
    """Publish the scenario anew whenever its file changes; a mistake in it is said, and the last good one stays."""
    seen = _stamp(source)
    while not over.wait(0.3):
        now = _stamp(source)
        if now in {0, seen}:
            continue
        seen = now
        try:
            publish(source, lines, start_unix=start_unix, accounts=accounts)
        except (ScenarioError, OSError) as error:
            print(f"simulator: {error}", file=sys.stderr)


def _stamp(source: Path) -> int:
    """When it was last written; 0 while it is away, as for a moment when an editor replaces it."""
    return source.stat().st_mtime_ns if source.exists() else 0


def main() -> int:
    """Run the command; its exit code, or 2 when there can be no simulated box."""
    parser = argparse.ArgumentParser(prog="python -m simulator.run", description=__doc__)
    parser.add_argument("scenario", help="a TOML file, or the name of one that comes with the simulator, such as eight")
    parser.add_argument("command", nargs="+", help="what to run, after --")
    chosen = parser.parse_args()
    over, start = threading.Event(), time.time()
    with tempfile.TemporaryDirectory(prefix="engineroom-gpus-") as place:
        lines, accounts = Path(place, "scenario"), Path(place, "accounts")
        accounts.mkdir()
        try:
            source = named(chosen.scenario)
            publish(source, lines, start_unix=start, accounts=accounts)
            environ = environment(lines, accounts)
        except (ScenarioError, BuildFailed) as error:
            print(f"simulator: {error}", file=sys.stderr)
            return 2
        follower = threading.Thread(target=_follow, args=(source, lines, accounts, start, over), daemon=True)
        follower.start()
        signal.signal(
            signal.SIGINT, lambda *_: None
        )  # ^C is the command's affair, which starts with the default handler
        try:
            code = subprocess.run(chosen.command, env=environ, check=False, restore_signals=True).returncode
        finally:
            over.set()
            follower.join()
        return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
