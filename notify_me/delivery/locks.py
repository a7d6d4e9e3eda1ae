"""Lock files that number the deliverers of one machine.

DBOS gives an executor ID its unfinished calls again, so no two deliverers may share one.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..settings import SettingsError

_OWNER = "notify-me-worker-1.owner"


def claim_executor_id(folder: Path) -> tuple[str, FileLock]:
    """Return an ID for this worker, and the lock that reserves it until it is released.

    It has the first number on this machine that no running worker has. After a crash the next
    worker gets the same ID, and DBOS gives it the calls that were under way. Raises
    `SettingsError`.
    """
    for number in range(1, 1000):
        if (lock := _lock(folder, number, "worker")) is not None:
            return f"{socket.gethostname()}-{number}", lock
    raise SettingsError(f"{folder} has lock files of 999 running workers: stop some of them")


def claim_first_executor_id(folder: Path, owner: str) -> tuple[str, FileLock] | None:
    """Return this machine's first ID and its lock; None if another deliverer has it."""
    lock = _lock(folder, 1, owner)
    return None if lock is None else (f"{socket.gethostname()}-1", lock)


def current_deliverer(folder: Path) -> str | None:
    """Return what delivers on this machine, `worker` or `web process`; None if nothing does."""
    if not _path(folder, 1).exists():
        return None
    try:
        with FileLock(_path(folder, 1), timeout=0):
            return None
    except Timeout:
        with suppress(OSError):
            return (folder / _OWNER).read_text()
    except OSError:
        pass
    return None


def _lock(folder: Path, number: int, owner: str) -> FileLock | None:
    """Lock the file of a number; return None if another process has locked it."""
    # a lock that is held by an object, not by the thread that happened to take it
    lock = FileLock(_path(folder, number), timeout=0, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        if number == 1:
            (folder / _OWNER).write_text(owner)
    except Timeout:
        return None
    except OSError as error:
        raise SettingsError(
            f"{lock.lock_file} can't be written ({error.strerror}): a worker needs a lock file "
            "there"
        ) from None
    return lock


def _path(folder: Path, number: int) -> Path:
    return folder / f"notify-me-worker-{number}.lock"
