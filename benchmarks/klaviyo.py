"""The sandbox with middleware that records calls: `python -m benchmarks.klaviyo PORT` serves it.

It can also simulate delays and outages. It reads the account's keys from the environment.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.serving import make_server

from klaviyo_sandbox import Account, create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class CallRecorder:
    """WSGI middleware that records the calls to `/api/`. GET `/_bench` returns them; POST sets
    `delay` and `unavailable`, and `reset` deletes the recorded calls.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._calls: list[tuple[float, str, str]] = []
        self._delay = 0.0
        self._unavailable = False

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Handle a request, and record it if it is a call to `/api/`."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        if environ["PATH_INFO"] == "/_bench":
            return self._control(environ, body, start)
        environ["wsgi.input"] = BytesIO(body)
        if not environ["PATH_INFO"].startswith("/api/"):
            return self._app(environ, start)
        arrived = time.time()
        if self._delay:
            time.sleep(self._delay)
        statuses: list[str] = []

        def start_recorded(
            status: str, headers: list[tuple[str, str]], *more: Any
        ) -> Callable[..., object]:
            statuses.append(status.split()[0])
            return start(status, headers, *more)

        if self._unavailable:
            start_recorded("503 Service Unavailable", [("Content-Length", "0")])
            reply: Iterable[bytes] = [b""]
        else:
            reply = list(self._app(environ, start_recorded))
        with self._lock:
            self._calls.append((arrived, statuses[0], _label(environ, body)))
        return reply

    def _control(
        self, environ: WSGIEnvironment, body: bytes, start: StartResponse
    ) -> Iterable[bytes]:
        with self._lock:
            if environ["REQUEST_METHOD"] == "POST":
                options = json.loads(body)
                self._delay, self._unavailable = (
                    options.get("delay", 0.0),
                    options.get("unavailable", False),
                )
                if options.get("reset"):
                    self._calls.clear()
            reply = json.dumps(self._calls if environ["REQUEST_METHOD"] == "GET" else {}).encode()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(reply)))])
        return [reply]


def _label(environ: WSGIEnvironment, body: bytes) -> str:
    """Return the email address of a sign-up; for other calls, the method and path."""
    if environ["PATH_INFO"].endswith("/back-in-stock-subscriptions"):
        attributes = json.loads(body)["data"]["attributes"]
        return str(attributes["profile"]["data"]["attributes"]["email"])
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def main(port: str) -> None:
    """Serve the sandbox until the process is killed."""
    account = Account(
        private_key=os.environ["KLAVIYO_PRIVATE_KEY"],
        public_key=os.environ["KLAVIYO_PUBLIC_KEY"],
        list_id=os.environ["KLAVIYO_LIST_ID"],
    )
    make_server(
        "127.0.0.1", int(port), CallRecorder(create_app(account)), threaded=True
    ).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
