"""The web server: slow or silent clients don't keep others from the shop."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.servers import CONNECTIONS, DIFFICULT, GUNICORN, serving
from tests.storefront.conftest import catalog_db, environ
from tests.support import eventually

__all__ = ["catalog_db"]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("processes", ["1", "2"])
def test_difficult_clients_dont_stop_the_shop(
    tmp_path: Path, catalog_db: Path, processes: str
) -> None:
    """Idle and half-sent connections, slow readers and lingering clients, eight of each.

    SIGTERM ends all processes although they stay connected.
    """
    shutil.copy(catalog_db, tmp_path / "shop.db")
    variables = {**os.environ, **environ(tmp_path / "shop.db"), "WEB_CONCURRENCY": processes}
    with serving(GUNICORN, variables) as server, ExitStack() as clients:
        for open_one in DIFFICULT.values():
            for _ in range(CONNECTIONS):
                clients.enter_context(open_one(server))

        assert all(server.seconds() is not None for _ in range(10))
        os.kill(server.process.pid, signal.SIGTERM)
        assert eventually(lambda: server.process.poll() is not None)
        assert server.process.returncode == 0
