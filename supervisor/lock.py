"""One supervisor per state folder: an flock, which even kill -9 releases."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from config.paths import lock_path
from ipc.errors import Problem, RequestFailed


class Lock:
    """Held from `take` until the process ends; the file's text is the holder's pid."""

    def __init__(self, state_folder: Path) -> None:
        self._folder = state_folder
        self._path = lock_path(state_folder)

    def take(self) -> None:
        """Make the folder if need be, and take its lock, or say who has it.

        Raises:
            RequestFailed: another supervisor holds it, or the folder is not fit for it.
        """
        try:
            self._prepare()
            descriptor = self._locked()
            pid = str(os.getpid()).encode()
            os.pwrite(descriptor, pid, 0)  # first, because a full disk would not give back what is cut off
            os.truncate(descriptor, len(pid))
        except OSError as error:
            raise self._unfit(f"cannot be used: {error.strerror}") from error

    def _prepare(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self._folder.stat()
        if status.st_uid != os.getuid():
            raise self._unfit("belongs to another user")
        if status.st_mode & 0o022:
            raise self._unfit("can be written by others", f"`chmod 700 {self._folder}`, or set")

    def _locked(self) -> int:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_at_path(descriptor):
                    return descriptor
                os.close(descriptor)  # the file was taken away meanwhile: its lock keeps nobody out
            except BlockingIOError:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
                os.close(descriptor)
                raise RequestFailed(
                    Problem(
                        "Already running",
                        f"The supervisor with pid {holder or 'unknown'} has {self._folder}.",
                        "`engineroom` attaches to it, `engineroom down` ends it.",
                    )
                ) from None

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _unfit(self, why: str, way_out: str = "Set") -> RequestFailed:
        return RequestFailed(
            Problem(
                "State folder unusable",
                f"{self._folder} {why}.",
                f"{way_out} ENGINEROOM_STATE to a folder of yours on a local disk.",
            )
        )
