"""Helpers for the tests of several packages: servers on real sockets, and the sandbox."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask
from werkzeug.serving import make_server

from klaviyo_sandbox import Account, make_account
from klaviyo_sandbox import create_app as create_sandbox

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

T = TypeVar("T")

TIMEOUT = 30
"""Seconds. Only a safety net for the tests' own requests; nothing is asserted about it."""


SAMPLE_SHOP = {
    name: str(Path(__file__).parent / "sample_shop" / file)
    for name, file in (("SHOP_CONFIG", "shop.toml"), ("NOTIFY_ME_CONFIG", "notify_me.toml"))
}
"""The sample shop's variables, so that the tests also pass in a fork with other settings."""

CHROMIUM = (
    os.environ.get("CHROMIUM")
    or shutil.which("chromium-headless-shell")
    or shutil.which("chromium")
    or "/usr/bin/chromium-headless-shell"
)
"""The path of the browser; `make` sets it in the environment."""


def eventually(condition: Callable[[], T], seconds: float = TIMEOUT) -> T:
    """Poll `condition` until it returns a true value, and return that value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        threading.Event().wait(0.01)
    raise AssertionError(f"the condition was not met within {seconds:g} s")


def read_in_another_process(database: Path) -> None:
    """Let another process open, read and close a SQLite file."""
    code = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version')"
    subprocess.run([sys.executable, "-c", code, str(database)], check=True)


@contextmanager
def serve(app: WSGIApplication) -> Iterator[str]:
    """Serve `app` on a free loopback port, in threads; yield its URL."""
    # otherwise, the access log would be part of the error output of a command under test
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    # a response that is still being sent when the test ends must not block the shutdown
    server.daemon_threads = True  # type: ignore[attr-defined]
    server.block_on_close = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_sandbox() -> Iterator[Sandbox]:
    """Serve a sandbox with a new account from this process."""
    account = make_account()
    app = create_sandbox(account)
    with serve(app) as url:
        yield Sandbox(url, app, account)


class Sandbox:
    """Controls a sandbox in this process through its JSON API under `/_sandbox/`.

    Its requests don't use the network, since most tests make several.
    """

    def __init__(self, url: str, app: Flask, account: Account) -> None:
        self.url = url
        self.account = account
        self._client = app.test_client()

    def _call(self, method: str, name: str, body: object = None) -> Any:
        reply = self._client.open(f"/_sandbox/{name}", method=method, json=body, base_url=self.url)
        assert reply.status_code < 400, reply.text
        return reply.json if reply.data else None

    def reset(self) -> None:
        """Restore the sandbox's initial state."""
        self._call("POST", "reset")

    def requests(self) -> list[dict[str, Any]]:
        """Return the recorded calls, oldest first."""
        return self.read("requests")

    def waiting(self) -> list[dict[str, Any]]:
        """Return the waiting list."""
        return self.read("waiting")

    def drill(self, kind: str, times: int | None = 1, **details: object) -> None:
        """Make the next calls fail."""
        self._call("POST", "drills", {"kind": kind, "times": times, **details})

    def end_drills(self) -> None:
        """End all drills."""
        self._call("DELETE", "drills")

    def unknown(self, *composite_ids: str) -> None:
        """Set the composite IDs that the sandbox treats as unknown."""
        self._call("PUT", "unknown", {"unknown": composite_ids})

    def set(self, name: str, **properties: object) -> None:
        """Change the settings of `account`, `flow`, `list` or `regions`."""
        self._call("PUT", name, properties)

    def read(self, name: str) -> list[dict[str, Any]]:
        """Return one of its lists, such as `profiles`, `catalog` or `messages`."""
        entries: list[dict[str, Any]] = self._call("GET", name)[name]
        return entries

    def environ(self) -> Mapping[str, str]:
        """Return the environment variables for a shop that uses this sandbox."""
        return {
            "KLAVIYO_API_URL": self.url,
            "KLAVIYO_PUBLIC_KEY": self.account.public_key,
            "KLAVIYO_PRIVATE_KEY": self.account.private_key,
            "KLAVIYO_LIST_ID": self.account.list_id,
        }
