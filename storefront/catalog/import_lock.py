"""Allows one import at a time, since an import replaces all products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from flask import current_app


class ImportLocked(Exception):
    """No import can start. The message says why, and what to do."""


@contextmanager
def import_lock() -> Iterator[None]:
    """Hold this machine's lock for imports. Raises `ImportLocked` if it isn't available."""
    lock = FileLock(Path(current_app.instance_path) / "import.lock", timeout=0)
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ImportLocked("Another import is running. Try again when it has finished.") from None
    except OSError as error:
        raise ImportLocked(
            f"{lock.lock_file} can't be written: {error.strerror}. Fix this, and try again."
        ) from None
    try:
        yield
    finally:
        lock.release()
