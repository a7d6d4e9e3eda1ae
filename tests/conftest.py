"""Fixtures for the tests of all packages."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from notify_me.delivery import deliverer
from tests import caches
from tests.notify_me.running_shop import Postgres, postgres_binaries
from tests.sites import in_another_thread, make_template
from tests.support import Sandbox, serve_sandbox

for _name in [*os.environ]:
    # tests must not use this machine's proxy or a developer's own keys
    if _name.lower().endswith("_proxy") or _name.startswith(("KLAVIYO_", "NOTIFY_ME_")):
        del os.environ[_name]

# importing modules and finding tests creates too little garbage to be worth collecting
gc.disable()

caches.install()
# a fifth of the generated examples, for `make check`
settings.register_profile("check", max_examples=20)
# otherwise, one test's shop would check the flow during another test
deliverer.FLOW_CHECK_DELAY = 3600


CHILD_PROCESSES = {"make_shop", "postgres", "checkout", "newcomer", "tree", "worker"}
"""Fixtures that start child processes, or that are used by tests that do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a browser or a child process, which `make check` doesn't run.

    Files with browser tests run last, those with many tests first: Playwright's event loop keeps
    running in this thread, and no other event loop can be started afterwards.
    """
    for item in items:
        if _in_browser(item):
            item.add_marker("browser")
        if not CHILD_PROCESSES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("process")
    in_browser = Counter(item.path for item in items if _in_browser(item))
    items.sort(
        key=lambda item: (item.path in in_browser, _in_browser(item), -in_browser[item.path])
    )


def pytest_collection_finish() -> None:
    """Collect garbage less often: scanning all imported modules takes a fifth of the run.

    The older generations aren't collected until the end, since that takes up to a second each time.
    """
    gc.freeze()
    gc.set_threshold(100_000, 1000, 1000)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Collect garbage, and freeze what remains: pytest then collects several more times."""
    gc.collect()
    gc.freeze()


def _in_browser(item: pytest.Item) -> bool:
    return "playwright" in getattr(item, "fixturenames", ())


_without_processes: list[str] = []
"""The running test, if it must not start a child process."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Note whether the running test may start a child process."""
    if not any(item.iter_markers("process")) and not any(item.iter_markers("browser")):
        _without_processes.append(item.nodeid)
    yield
    _without_processes.clear()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Allow session fixtures to start processes when they end."""
    _without_processes.clear()


def _refused_in_tests_without_processes(start: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(start)
    def checked(*arguments: Any, **options: Any) -> Any:
        if _without_processes:
            test = _without_processes[0]
            raise RuntimeError(f"mark {test} as `process`: it starts a child process")
        return start(*arguments, **options)

    return checked


for _owner, _name in ((subprocess.Popen, "__init__"), (os, "fork"), (os, "posix_spawn")):
    setattr(_owner, _name, _refused_in_tests_without_processes(getattr(_owner, _name)))


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    """One sandbox for the whole run. Tests use `sandbox`, which is reset first."""
    with serve_sandbox() as sandbox:
        yield sandbox
        # ends calls that a simulated failure delays, whose threads would keep the process alive
        sandbox.reset()


@pytest.fixture(scope="session")
def catalog_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the shop's catalog. Tests use copies of it, or only read it."""
    database = tmp_path_factory.mktemp("shop") / "loaded.db"
    in_another_thread(lambda: make_template(database))
    return database


@pytest.fixture
def short_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make apps created from now on wait only briefly for a locked database."""
    monkeypatch.setattr("notify_me.database.SQLITE_BUSY_TIMEOUT", 0.05)


@pytest.fixture
def sandbox(sandbox_server: Sandbox) -> Sandbox:
    """The sandbox, reset to its initial state."""
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A cluster for the whole run. Without PostgreSQL, tests are skipped, except in CI."""
    binaries = postgres_binaries()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is missing, and CI must have it: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # the user that PostgreSQL runs as can't read pytest's folders
    folder = Path(tempfile.mkdtemp(prefix="notify-me-postgres-", dir="/tmp"))
    folder.chmod(0o755)
    cluster = Postgres(binaries, folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)
