"""What tests of several rooms share: servers on real sockets, and a view of the sandbox."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from klaviyo_sandbox import Account

T = TypeVar("T")

TIMEOUT = 30
"""Seconds after which a test's own request has failed; never part of what is asserted."""


CHROMIUM = (
    os.environ.get("CHROMIUM")
    or shutil.which("chromium-headless-shell")
    or shutil.which("chromium")
    or "/usr/bin/chromium-headless-shell"
)
"""The browser's binary, which `make` names in the environment."""


def eventually(found: Callable[[], T]) -> T:
    """The first true value, within a deadline that is no part of what is asserted."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if value := found():
            return value
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


@contextmanager
def serve(app: WSGIApplication) -> Iterator[str]:
    """Serve `app` on a free loopback port, in threads; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    # a reply that is still dripping when the test ends must not hold the server's end
    server.daemon_threads = True  # type: ignore[attr-defined]
    server.block_on_close = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Sandbox:
    """The sandbox as a test drives it: through its JSON under `/_sandbox/`."""

    def __init__(self, url: str, account: Account) -> None:
        self.url = url
        self.account = account

    def _call(self, method: str, name: str, body: object = None) -> Any:
        reply = requests.request(method, f"{self.url}/_sandbox/{name}", json=body, timeout=TIMEOUT)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def reset(self) -> None:
        """Forget everything: record, waiting list, unknown variants, drills."""
        self._call("POST", "reset")

    def requests(self) -> list[dict[str, Any]]:
        """The calls that came, oldest first."""
        found: list[dict[str, Any]] = self._call("GET", "requests")["requests"]
        return found

    def waiting(self) -> list[dict[str, Any]]:
        """Who waits for which variant."""
        found: list[dict[str, Any]] = self._call("GET", "waiting")["waiting"]
        return found

    def drill(self, kind: str, times: int | None = 1, **details: object) -> None:
        """Make the next calls fail in the given way."""
        self._call("POST", "drills", {"kind": kind, "times": times, **details})

    def calm(self) -> None:
        """End the drills."""
        self._call("DELETE", "drills")

    def unknown(self, *composite_ids: str) -> None:
        """Say which composite IDs the account's catalog lacks."""
        self._call("PUT", "unknown", {"unknown": composite_ids})

    def set(self, name: str, **wanted: object) -> None:
        """Change what the account is: account, flow, list."""
        self._call("PUT", name, wanted)

    def read(self, name: str) -> list[dict[str, Any]]:
        """One of its lists: profiles, catalog, messages."""
        found: list[dict[str, Any]] = self._call("GET", name)[name]
        return found

    def environ(self) -> Mapping[str, str]:
        """What points a shop at this sandbox."""
        return {
            "KLAVIYO_API_URL": self.url,
            "KLAVIYO_PUBLIC_KEY": self.account.public_key,
            "KLAVIYO_PRIVATE_KEY": self.account.private_key,
            "KLAVIYO_LIST_ID": self.account.list_id,
        }
