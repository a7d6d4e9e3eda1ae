"""Settings for gunicorn, which supervises the processes. In each of them, waitress serves the shop.

Waitress hands a request to a thread only once the request is complete, and sends responses from its
main loop, so slow or silent clients don't occupy a thread (docs/decisions.md, "Web server").
"""

import logging
import os
import re
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from dotenv import load_dotenv
from gunicorn.workers.base import Worker
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError


def number(name: str, default: str, highest: int) -> int:
    """Return the value of a variable; stop if it isn't a number from 1 to `highest`."""
    value = os.environ.get(name) or default
    if not re.fullmatch("[0-9]{1,5}", value) or not 1 <= int(value) <= highest:
        sys.exit(
            f"The shop can't start. {name} is {value!r}: set it to a number from 1 to {highest}"
        )
    return int(value)


try:
    load_dotenv(Path(__file__).with_name(".env"), override=False)
except (OSError, UnicodeDecodeError) as error:
    sys.exit(f"The shop can't start. .env can't be read: {error}")
host = os.environ.get("HOST") or "127.0.0.1"
bind = f"{f'[{host}]' if ':' in host else host}:{number('PORT', '5000', 65535)}"
workers = number("WEB_CONCURRENCY", "1", 1000)
threads = 8
worker_connections = 2000
# seconds; the launcher of `make run` kills processes after five
graceful_timeout = 3
control_socket_disable = True

IDLE_TIMEOUT = 30
"""Seconds after which a connection without any traffic is closed."""
MAX_BODY_BYTES = 65 * 1024 * 1024
"""The maximum size of a request, enough for an upload of product files. Waitress itself
rejects larger requests with 413; app.py has a lower limit for all other pages.
"""


class RequestParser(HTTPRequestParser):  # type: ignore[misc]
    """Rejects a request whose URL is invalid, such as `http://[`, with 400."""

    def parse_header(self, header_plus: bytes) -> None:
        """Read the first line and the headers of a request; raises `ParsingError`."""
        try:
            super().parse_header(header_plus)
        except ValueError:
            raise ParsingError("Bad URI") from None


HTTPChannel.parser_class = RequestParser


class WaitressWorker(Worker):  # type: ignore[misc]
    """A gunicorn worker that serves the app with waitress."""

    def run(self) -> None:
        """Serve until gunicorn stops this process, then finish the requests in progress."""
        # waitress warns whenever a request waits for a thread
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        connections: dict[int, Any] = {}
        self.server = create_server(
            self.wsgi,
            map=connections,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            connection_limit=self.cfg.worker_connections,
            channel_timeout=IDLE_TIMEOUT,
            cleanup_interval=10,
            max_request_body_size=MAX_BODY_BYTES,
            # app.py reads these headers behind a trusted proxy, and the demo is hidden from
            # requests that have them
            clear_untrusted_proxy_headers=False,
            log_socket_errors=False,
            ident=None,
        )
        while self.alive and self.ppid == os.getppid():
            self._serve_once(connections)
        for connection in connections.values():
            if not isinstance(connection, HTTPChannel):
                connection.accepting = False
        deadline = time.monotonic() + self.cfg.graceful_timeout
        while any(map(_is_busy, connections.values())) and time.monotonic() < deadline:
            self._serve_once(connections)

    def _serve_once(self, connections: dict[int, Any]) -> None:
        # tells gunicorn that this process isn't stuck
        self.notify()
        # poll, unlike select, works with more than 1024 open files
        wasyncore.loop(timeout=0.5, map=connections, count=1, use_poll=True)


def _is_busy(connection: Any) -> bool:
    return isinstance(connection, HTTPChannel) and bool(
        connection.requests or connection.total_outbufs_len
    )


worker_class = WaitressWorker


def on_starting(server: Any) -> None:
    """Stop with a message if a setting is invalid; a worker would only print a traceback."""
    sys.path.insert(0, os.getcwd())
    try:
        config = import_module("app").create_app().config
    except click.ClickException as error:
        sys.exit(f"The shop can't start. {error.format_message()}")
    storage = config.get("RATELIMIT_STORAGE_URI") or "memory://"
    if server.cfg.workers > 1 and storage.startswith("memory"):
        server.log.warning(
            "%s processes don't share rate limits: set RATELIMIT_STORAGE_URI to database, or to "
            "a URI such as redis://localhost",
            server.cfg.workers,
        )
