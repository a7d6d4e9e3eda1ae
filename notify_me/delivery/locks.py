"""Lock files that number the deliverers of one machine.

The engine gives an executor ID its unfinished calls again, so no two deliverers may share one.
"""

from __future__ import annotations

import fcntl
import socket
from pathlib import Path
from typing import IO

from ..settings import SettingsError


def claim_executor_id(folder: Path) -> tuple[str, IO[str]]:
    """Return an ID for this worker, and the lock file that reserves it.

    It has the first number on this machine that no running worker has. After a crash the next
    worker gets the same ID, and DBOS gives it the calls that were under way. Raises
    `SettingsError`.
    """
    for number in range(1, 1000):
        if (lock := _lock(folder, number, "worker")) is not None:
            return f"{socket.gethostname()}-{number}", lock
    raise SettingsError(f"{folder} has lock files of 999 running workers: stop some of them")


def claim_first_executor_id(folder: Path, owner: str) -> tuple[str, IO[str]] | None:
    """Return this machine's first ID and its lock file; None if a worker has it."""
    lock = _lock(folder, 1, owner)
    return None if lock is None else (f"{socket.gethostname()}-1", lock)


def _lock(folder: Path, number: int, owner: str) -> IO[str] | None:
    """Lock the file of a number and write into it who did; None if it is locked already."""
    path = _path(folder, number)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise SettingsError(
            f"{path} can't be written ({error.strerror}): a worker needs a lock file there"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    file.truncate(0)
    file.write(owner)
    file.flush()
    return file


def current_deliverer(folder: Path) -> str | None:
    """Return what delivers on this machine, `worker` or `web process`; None if nothing does."""
    try:
        with _path(folder, 1).open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return file.read() or None
    except OSError:
        pass
    return None


def _path(folder: Path, number: int) -> Path:
    return folder / f"notify-me-worker-{number}.lock"
