"""Lock files that number the processes delivering calls on this machine.

When such a process starts, DBOS assigns it the unfinished calls of its executor ID. Two running
processes must therefore never have the same ID.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..settings import SettingsError

_OWNER = "notify-me-worker-1.owner"


def claim_executor_id(folder: Path) -> tuple[str, FileLock]:
    """Return an ID for this worker, and the lock that reserves it until released.

    The ID ends with the lowest number that no other running worker on this machine has. After a
    crash, the next worker gets the same ID, and DBOS assigns it the calls that were in progress.
    Raises `SettingsError` if the lock file can't be written, or too many workers are running.
    """
    for number in range(1, 1000):
        if (lock := _lock(folder, number, "worker")) is not None:
            return f"{socket.gethostname()}-{number}", lock
    raise SettingsError(
        f"{folder} already has lock files for 999 running workers: stop some of the workers"
    )


def claim_first_executor_id(folder: Path, owner: str) -> tuple[str, FileLock] | None:
    """Return this machine's first ID and its lock; None if another process has an ID. `owner` is
    what `current_deliverer` then returns.
    """
    if current_deliverer(folder) or (lock := _lock(folder, 1, owner)) is None:
        return None
    return f"{socket.gethostname()}-1", lock


def current_deliverer(folder: Path) -> str | None:
    """Return which kind of process has an ID on this machine: `worker` or `web process`; None if
    all IDs are free or the files can't be read.
    """
    for path in sorted(folder.glob("notify-me-worker-*.lock")):
        try:
            with FileLock(path, timeout=0):
                continue
        except Timeout:
            # a web process only claims the first ID
            if path != _path(folder, 1):
                return "worker"
            with suppress(OSError):
                return (folder / _OWNER).read_text()
        except OSError:
            pass
    return None


def _lock(folder: Path, number: int, owner: str) -> FileLock | None:
    """Lock the file with this number; return None if another process has locked it."""
    # not thread-local, so that another thread can release the lock
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
            f"{lock.lock_file} can't be written ({error.strerror}): set NOTIFY_ME_WORKER_FOLDER "
            "to a folder on this machine for the workers' lock files"
        ) from None
    return lock


def _path(folder: Path, number: int) -> Path:
    return folder / f"notify-me-worker-{number}.lock"
