"""Benchmark of WSGI servers for the shop: `python -m benchmarks.servers [NAME …]`.

Each server runs the starter shop in one process with eight threads, first with slow or misbehaving
clients, then under load. For each kind of misbehaving client, the benchmark opens eight
connections and measures how many milliseconds `/healthz` takes while they are open. Servers that
aren't installed are skipped. To install them: `pip install granian cheroot gevent`.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask

from app import create_app
from benchmarks.delivery import ROOT, free_port
from benchmarks.push import running_sandbox

CONNECTIONS = 8
"""The number of misbehaving clients: as many as the shop has threads."""
TIMEOUT = 5.0
"""Seconds to wait for a response."""
KEEP_ALIVE_CLIENTS = 500
LOAD_CLIENTS = 16
LARGE_BYTES = 8 * 1024 * 1024
"""The size of a response that is larger than a socket's buffers."""

CHEROOT = (
    "import sys; from cheroot.wsgi import Server; from benchmarks.servers import shop;"
    "server = Server(('127.0.0.1', int(sys.argv[1])), shop(), numthreads=8);"
    "import signal; signal.signal(signal.SIGINT, lambda *_: server.interrupt)\n"
    "try: server.start()\nexcept KeyboardInterrupt: server.stop()"
)
GUNICORN = ["-m", "gunicorn", "--config", "gunicorn.conf.py", "benchmarks.servers:shop()"]
SERVERS: dict[str, tuple[str, list[str]]] = {
    "gunicorn + waitress": ("waitress", GUNICORN),
    "waitress": (
        "waitress",
        [
            "-m",
            "waitress",
            "--threads=8",
            "--listen=127.0.0.1:{port}",
            "--connection-limit=2000",
            "--asyncore-use-poll",
            "--call",
            "benchmarks.servers:shop",
        ],
    ),
    "gunicorn gthread": ("gunicorn", [*GUNICORN, "--worker-class", "gthread"]),
    "gunicorn gevent": ("gevent", [*GUNICORN, "--worker-class", "gevent"]),
    "granian": (
        "granian",
        [
            "-m",
            "granian",
            "--interface=wsgi",
            "--port={port}",
            "--blocking-threads=8",
            "--factory",
            "--no-ws",
            "benchmarks.servers:shop",
        ],
    ),
    "cheroot": ("cheroot", ["-c", CHEROOT, "{port}"]),
}
"""The required package and Python's arguments for each server, by name."""


def shop() -> Flask:
    """Return the shop with an additional page that returns a large response."""
    app = create_app()
    app.add_url_rule("/large", "large", lambda: b"x" * LARGE_BYTES)
    return app


class Server:
    """A running server that serves the shop."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def connect(self, data: bytes = b"", receive_buffer: int = 0) -> socket.socket:
        """Open a connection and send `data`."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(TIMEOUT)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(data)
        return connection

    def lingering(self) -> socket.socket:
        """Open a connection, read a response with `Connection: close`, and stay connected."""
        connection = self.connect(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        connection.recv(65536)
        return connection

    def median_response_seconds(self) -> float | None:
        """Return the median time of five requests for `/healthz`; None if one got no response."""
        times = []
        for _ in range(5):
            if (seconds := self.response_seconds()) is None:
                return None
            times.append(seconds)
        return statistics.median(times)

    def response_seconds(self) -> float | None:
        """Return how long `/healthz` takes; None if there is no response."""
        start = time.perf_counter()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, TIMEOUT)) as connection:
            try:
                connection.request("GET", "/healthz", headers={"Connection": "close"})
                connection.getresponse().read()
            except OSError:
                return None
        return time.perf_counter() - start


@contextmanager
def serving(arguments: list[str], environ: dict[str, str]) -> Iterator[Server]:
    """Run a server, and yield it once its shop responds; kill it at the end."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, *(argument.format(port=port) for argument in arguments)],
            cwd=ROOT,
            env={**environ, "PORT": str(port)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            server = Server(process, port)
            end = time.monotonic() + 60
            while server.response_seconds() is None:
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise SystemExit(log.read().decode())
                time.sleep(0.1)
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


HALF_SENT_HEADERS = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: h"
HALF_SENT_BODY = b"POST /cart HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nsku=D"
MISBEHAVING_CLIENTS: dict[str, Callable[[Server], socket.socket]] = {
    "idle": lambda server: server.connect(),
    "half-sent headers": lambda server: server.connect(HALF_SENT_HEADERS),
    "half-sent body": lambda server: server.connect(HALF_SENT_BODY),
    "slow reader": lambda server: server.connect(
        b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", receive_buffer=4096
    ),
    "lingering": Server.lingering,
}


def with_misbehaving_clients(server: Server, open_one: Callable[[Server], socket.socket]) -> str:
    """Return the milliseconds that `/healthz` takes while connections from `open_one` are open."""
    with ExitStack() as stack:
        try:
            for _ in range(CONNECTIONS):
                stack.enter_context(open_one(server))
        except OSError:
            return "refused"
        # the server needs a moment to read what the clients have sent
        time.sleep(0.3)
        return table_cell(server.median_response_seconds())


def table_cell(seconds: float | None) -> str:
    """Return the table cell for a response time."""
    return "no response" if seconds is None else f"{seconds * 1000:.1f}"


def with_keep_alive_clients(server: Server) -> str:
    """Return how many clients got a second response over the same connection."""
    request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    responses = 0
    with ExitStack() as stack:
        clients = []
        for _ in range(KEEP_ALIVE_CLIENTS):
            with suppress(OSError):
                clients.append(stack.enter_context(server.connect()))
                clients[-1].settimeout(30)
        for _ in range(2):
            responses = 0
            for client in clients:
                with suppress(OSError):
                    client.sendall(request)
            for client in clients:
                with suppress(OSError):
                    responses += is_complete_response(client)
    return str(responses)


def is_complete_response(client: socket.socket) -> bool:
    """Return whether the client receives a complete response from `/healthz`; it may arrive in
    pieces.
    """
    received = b""
    while piece := client.recv(65536):
        received += piece
        if received.endswith(b"ok\n"):
            return received.startswith(b"HTTP/1.1 200")
    return False


def requests_per_second(server: Server, seconds: float, send: Callable[[Any, int], None]) -> str:
    """Return how many requests per second the server handles over keep-alive connections, or the
    first status other than 200.
    """
    end, failures = time.monotonic() + seconds, list[int]()

    def client(number: int) -> int:
        count = 0
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, 30)) as connection:
            while time.monotonic() < end:
                send(connection, number * 1_000_000 + count)
                response = connection.getresponse()
                response.read()
                failures.extend([response.status] if response.status != 200 else [])
                count += 1
        return count

    with ThreadPoolExecutor(LOAD_CLIENTS) as threads:
        rate = sum(threads.map(client, range(LOAD_CLIENTS))) / seconds
    return f"status {failures[0]}" if failures else f"{rate:.0f}"


def seconds_to_stop(server: Server) -> str:
    """Send SIGINT while connections are open, and return the seconds until the server exits."""
    with ExitStack() as stack:
        for kind in ("idle", "half-sent body"):
            with suppress(OSError):
                stack.enter_context(MISBEHAVING_CLIENTS[kind](server))
        start = time.monotonic()
        os.killpg(server.process.pid, signal.SIGINT)
        try:
            server.process.wait(10)
        except subprocess.TimeoutExpired:
            return "over 10"
    return f"{time.monotonic() - start:.1f}"


def measure(
    arguments: list[str], environ: dict[str, str], form: str, page: str, load_seconds: float
) -> list[str]:
    """Return a row of the table."""
    row = []
    with serving(arguments, environ) as server:
        row.append(table_cell(server.median_response_seconds()))
    for open_one in MISBEHAVING_CLIENTS.values():
        # a new process for each kind: connections of the previous kind could delay this one
        with serving(arguments, environ) as server:
            row.append(with_misbehaving_clients(server, open_one))
    with serving(arguments, environ) as server:
        row.append(with_keep_alive_clients(server))
        row.append(
            requests_per_second(server, load_seconds, lambda http, _: http.request("GET", page))
        )

        def sign_up(connection: http.client.HTTPConnection, number: int) -> None:
            body = urlencode({"channels": "EMAIL", "email": f"shopper{number}@example.org"})
            headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Notify-Me": "1"}
            connection.request("POST", form, body, headers)

        row.append(requests_per_second(server, load_seconds, sign_up))
        row.append(seconds_to_stop(server))
    return row


HEADER = ["server", "normal", *MISBEHAVING_CLIENTS, "keep-alive", "page/s", "sign-ups/s", "stop"]


def main() -> None:
    """Print a table with a row for each server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(SERVERS))
    parser.add_argument("--seconds", type=float, default=5, help="duration of each load test")
    options = parser.parse_args()
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|")
    with tempfile.TemporaryDirectory() as folder, running_sandbox() as keys:
        environ = {
            **os.environ,
            **keys,
            "SECRET_KEY": "s" * 32,
            "DATABASE_URL": f"sqlite:///{folder}/shop.db",
            "RATELIMIT_ENABLED": "0",
            "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
            "PYTHONPATH": str(ROOT),
        }
        app = create_app(environ)
        with app.app_context():
            app.extensions["alembic"].upgrade()
            app.test_cli_runner().invoke(args=["storefront", "load"])
            engine = app.extensions["sqlalchemy"].engine
            with engine.connect() as connection:
                sku = connection.scalar(
                    sa.text("SELECT sku FROM shop_variant WHERE quantity = 0 ORDER BY id LIMIT 1")
                )
                handle = connection.scalar(sa.text("SELECT handle FROM shop_product ORDER BY id"))
            engine.dispose()
        form, page = f"/notify-me/$custom:::$default:::{sku}", f"/products/{handle}"
        for name, (package, arguments) in SERVERS.items():
            if importlib.util.find_spec(package) is None or name not in (options.names or SERVERS):
                continue
            row = measure(arguments, environ, form, page, options.seconds)
            print("| " + " | ".join([name, *row]) + " |", flush=True)


if __name__ == "__main__":
    main()
