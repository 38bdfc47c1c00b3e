"""Files named where the operator stands: the supervisor and its engines run in another folder."""

from __future__ import annotations

from cli.session import Session


def placed(session: Session, text: str) -> str:
    """`text` as an absolute path where it names a file or folder that is here, else as it is: a name, say.

    On another host nothing is here, and a bare word such as `anna` is a name whatever lies here.
    """
    if session.host or not text or ("/" not in text and "." not in text):
        return text
    path = session.cwd / text
    try:
        return str(path.absolute()) if path.exists() else text
    except (OSError, ValueError):  # too long, or no path at all
        return text
