"""Whether a recording can serve as a voice: asked of the kind's own process, which can read sound."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from cli import launch
from cli.interpreter import interpreter_of
from cli.session import Session
from ipc.errors import Problem, RequestFailed
from ipc.speech import KIND
from ipc.voices import Checked

MODULE = "engines.tts.sound.recording"
LIMIT_SECONDS = 60.0


class NoEnvironment(RequestFailed):
    """Nothing here can read sound."""


def checked(session: Session, path: Path) -> Checked:
    """What speaks for and against the file.

    Raises:
        NoEnvironment: the kind's environment is not there.
        RequestFailed: the process could not be started, or did not answer. BadConfig
    """
    python = interpreter_of(session, KIND)
    try:
        done = subprocess.run(
            [python, "-P", "-m", MODULE, str(path)],
            env={**session.environ, "PYTHONPATH": launch.python_path(session.environ)},
            capture_output=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = getattr(error, "strerror", None) or f"it took longer than {LIMIT_SECONDS:.0f} s"
        raise RequestFailed(Problem("Not looked at", f"{path.name}: {python}: {why}.", "Try again.")) from error
    if done.returncode == 0:
        try:
            return msgspec.json.decode(done.stdout.strip().rpartition(b"\n")[2], type=Checked)
        except msgspec.MsgspecError as error:
            raise RequestFailed(Problem("Not looked at", f"{MODULE} answered: {error}.", "")) from error
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if last.startswith(("ModuleNotFoundError", "ImportError")):
        detail = "What can read sound is in the environment of the kind tts, which is not there."
        raise NoEnvironment(Problem("No environment", detail, f"`engineroom env sync {KIND}` makes it."))
    raise RequestFailed(Problem("Not looked at", f"{path.name}: {last or 'no word'}.", "`engineroom doctor`."))
