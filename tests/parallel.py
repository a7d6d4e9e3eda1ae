"""`pytest --processes` runs the tests in processes that are forked after collecting.

Importing and collecting take seconds, which each worker of pytest-xdist would spend again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from multiprocessing.sharedctypes import Synchronized

import pytest

_FORK = multiprocessing.get_context("fork")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--processes",
        type=int,
        nargs="?",
        const=os.cpu_count(),
        metavar="N",
        help="run the tests in N processes (default: one for each core)",
    )


def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests and report their results here; without the option, leave it to pytest."""
    count: int | None = session.config.getoption("processes")
    if not count or session.testsfailed or session.config.option.collectonly:
        return None
    # created here, so that the processes use the same folder
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    started = _FORK.Value("i", 0)
    processes: dict[Connection, ForkProcess] = {}
    for _ in range(count):
        results, sender = _FORK.Pipe(duplex=False)
        process = _FORK.Process(target=_run, args=(session, count, started, sender))
        process.start()
        # closed before the next fork: a copy in that process would keep the pipe open after this
        # one has ended
        sender.close()
        processes[results] = process
    try:
        _report(session, processes)
    except BaseException:
        for process in processes.values():
            process.terminate()
        raise
    finally:
        for process in processes.values():
            process.join()
    return True


def _report(session: pytest.Session, processes: dict[Connection, ForkProcess]) -> None:
    """Report the results of all processes, until they end."""
    config, tests = session.config, dict.fromkeys(processes, "its first test")
    while tests:
        for results in wait([*tests]):
            assert isinstance(results, Connection)
            try:
                tests[results], data = results.recv()
            except EOFError:
                if test := tests.pop(results):
                    processes[results].join()
                    code = processes[results].exitcode
                    session.shouldfail = f"the process of {test} ended too early, with {code}"
                continue
            if data is not None:
                report = config.hook.pytest_report_from_serializable(config=config, data=data)
                config.hook.pytest_runtest_logreport(report=report)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)


class _Sender:
    """Sends the names of tests, and then their results, to pytest's own process."""

    def __init__(self, config: pytest.Config, sender: Connection) -> None:
        self._config = config
        self._sender = sender

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Send the name of a test that starts."""
        self._sender.send((nodeid, None))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send the result of a test's setup, call or teardown."""
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._sender.send((report.nodeid, data))


def _run(
    session: pytest.Session, count: int, started: Synchronized[int], sender: Connection
) -> None:
    """Run this process's share of the tests."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config, plugins = session.config, session.config.pluginmanager
    plugins.unregister(name="terminalreporter")
    plugins.register(_Sender(config, sender))
    # the file with the captured output is shared with the other processes
    capture = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    try:
        tests = (session.items[index] for index in _share(started, len(session.items), count))
        test = next(tests, None)
        while test is not None:
            following = next(tests, None)
            config.hook.pytest_runtest_protocol(item=test, nextitem=following)
            test = following
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        session._setupstate.teardown_exact(None)
        config._ensure_unconfigure()
    sender.send(("", None))


def _share(started: Synchronized[int], total: int, count: int) -> Iterator[int]:
    """Yield the indexes of this process's tests, taken in groups that get smaller near the end.

    Tests in a group are neighbours, which share fixtures.
    """
    while True:
        with started.get_lock():
            start = started.value
            started.value = end = min(start + max(1, (total - start) // (4 * count)), total)
        if start == end:
            return
        yield from range(start, end)
