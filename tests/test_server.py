"""The web server: slow or silent clients don't block others."""

from __future__ import annotations

import os
import runpy
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.delivery import ROOT
from benchmarks.servers import CONNECTIONS, GUNICORN, MISBEHAVING_CLIENTS, serving
from tests.storefront.conftest import environ
from tests.support import eventually


@pytest.mark.parametrize(
    ("processes", "storage", "warnings"),
    [(2, "", 1), (2, "memory://", 1), (2, "database", 0), (1, "", 0)],
)
def test_several_processes_without_shared_limits_are_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    processes: int,
    storage: str,
    warnings: int,
) -> None:
    for name, value in environ(tmp_path / "shop.db").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RATELIMIT_STORAGE_URI", storage)
    config = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    lines: list[str] = []
    log = SimpleNamespace(warning=lambda message, *values: lines.append(message % values))

    config["on_starting"](SimpleNamespace(cfg=SimpleNamespace(workers=processes), log=log))

    assert len(lines) == warnings
    assert all("set RATELIMIT_STORAGE_URI to database" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "many"), ("PORT", "65536"), ("WEB_CONCURRENCY", "many"), ("WEB_CONCURRENCY", "0")],
)
def test_invalid_number_prevents_startup(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit, match=f"{name} is '{value}': set it to a number from 1 to"):
        runpy.run_path(str(ROOT / "gunicorn.conf.py"))


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("processes", ["1", "2"])
def test_misbehaving_clients_dont_stop_the_shop(
    tmp_path: Path, catalog_db: Path, processes: str
) -> None:
    """There are eight of each kind: idle and half-sent connections, slow readers, and clients that
    don't close the connection. An invalid request target gets a response.

    SIGTERM ends all processes even though the clients stay connected.
    """
    shutil.copy(catalog_db, tmp_path / "shop.db")
    variables = {**os.environ, **environ(tmp_path / "shop.db"), "WEB_CONCURRENCY": processes}
    with serving(GUNICORN, variables) as server, ExitStack() as clients:
        for open_one in MISBEHAVING_CLIENTS.values():
            for _ in range(CONNECTIONS):
                clients.enter_context(open_one(server))

        assert all(server.response_seconds() is not None for _ in range(10))
        with server.connect(b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        os.kill(server.process.pid, signal.SIGTERM)
        assert eventually(lambda: server.process.poll() is not None)
        assert server.process.returncode == 0
