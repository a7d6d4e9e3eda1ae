"""Fast child processes, forked from a process that has already imported the shop and the kit."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from runpy import run_module

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["app", "notify_me.delivery.worker", "tests.notify_me.small_shop"])
ROOT = Path(__file__).parents[1]


@contextmanager
def python(
    command: Sequence[str], environ: Mapping[str, str], output: Path
) -> Iterator[ForkServerProcess]:
    """Run `python -m` with this command in a child process, which is killed at the end.

    Its standard output and standard error are appended to the file `output`.
    """
    # unlike other ways to start a process, a fork server raises no event for conftest.py to refuse
    sys.audit("os.fork")
    process = _FORKS.Process(target=_run, args=(command, dict(environ), output))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _run(command: Sequence[str], environ: dict[str, str], output: Path) -> None:
    # not at the top: it imports DBOS, which the tests' own process doesn't need
    from notify_me.delivery import worker

    for interval in ("POLL", "MAINTENANCE", "IDLE_CHECK"):
        setattr(worker, f"{interval}_INTERVAL", 0.1)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    with output.open("a") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = [*command]
    run_module(command[0], run_name="__main__", alter_sys=True)
