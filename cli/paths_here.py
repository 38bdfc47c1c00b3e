"""Files named where the operator stands: the supervisor and its engines run in another folder."""

from __future__ import annotations

from pathlib import Path

from cli.session import Session
from ipc.errors import Problem, RequestFailed


def placed(session: Session, text: str) -> str:
    """`text` as an absolute path where it names a file or folder that is here, else as it is: a name, say.

    Raises:
        RequestFailed: it names a file that is here, and the engines are on another host, where it is not.
    """
    if not text or ("/" not in text and "." not in text):  # a bare word such as `anna` is a name whatever lies here
        return text
    path = session.cwd / text
    try:
        if session.host is None:
            return str(path.absolute()) if path.exists() else text
        only_here = not Path(text).is_absolute() and path.is_file()
    except (OSError, ValueError):  # too long, or no path at all
        return text
    if only_here:
        detail = f"{text} is a file here, and {session.host} would look for it there."
        raise RequestFailed(
            Problem("Not on that box", detail, f"Copy it to {session.host}, and write its path there, absolute.")
        )
    return text
