"""`python -m klaviyo_sandbox`: how it starts, what it prints, and how it stops."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.klaviyo_sandbox.conftest import EMAIL, MEDIA_TYPE, SERVER_PATH, body
from tests.support import eventually

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
PRIVATE_KEY = "pk_" + "ab" * 17
KEYS = {
    "KLAVIYO_PUBLIC_KEY": "ABC123",
    "KLAVIYO_PRIVATE_KEY": PRIVATE_KEY,
    "KLAVIYO_LIST_ID": "XYZ789",
}
SETTINGS = {*KEYS, "HOST", "SANDBOX_PORT", "SANDBOX_STATE", "SANDBOX_SENDER"}
STOP_TIMEOUT = 4  # seconds


class Process:
    """The sandbox in a child process. Its output is collected."""

    def __init__(self, settings: dict[str, str], *arguments: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-m", "klaviyo_sandbox", *arguments],
            cwd=ROOT,
            env=inherited | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as stream:
            self.lines.extend(iter(stream.readline, ""))

    def url(self) -> str:
        """Return the URL that the sandbox printed."""
        urls: list[str] = eventually(lambda: re.findall(r"http://\S+:\d+", self.output()))
        return urls[0]

    def output(self) -> str:
        """Return the sandbox's output so far."""
        return "".join(self.lines)

    def wait(self, timeout: float = 20) -> int:
        """Wait until the sandbox exits, and return its status."""
        status = self.process.wait(timeout)
        self._reader.join(20)
        return status

    def request(self, method: str, path: str, **options: object) -> requests.Response:
        """Send a request without a proxy."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url() + path, timeout=20, **options)  # type: ignore[arg-type]


@contextmanager
def running(*arguments: str, **settings: str) -> Iterator[Process]:
    """Run the sandbox on a free port."""
    process = Process({"SANDBOX_PORT": "0", **settings}, *arguments)
    try:
        yield process
    finally:
        process.process.kill()
        process.wait()


def sign_up(process: Process, key: str = PRIVATE_KEY) -> requests.Response:
    """Sign up as a server does."""
    headers = {
        "Authorization": f"Klaviyo-API-Key {key}",
        "revision": "2026-10-15",
        "Content-Type": MEDIA_TYPE,
    }
    return process.request("POST", SERVER_PATH, headers=headers, json=body())


def test_account_and_sender_come_from_the_environment() -> None:
    """The private key is never printed, and each call is logged in one line without contacts."""
    with running(**KEYS, SANDBOX_SENDER="Smirr") as process:
        account = process.request("GET", "/_sandbox/account").json()
        headers = {"Authorization": f"Klaviyo-API-Key {PRIVATE_KEY}", "revision": "2026-10-15"}
        [found] = process.request("GET", "/api/accounts", headers=headers).json()["data"]
        process.request("POST", "/_sandbox/drills", json={"kind": "503"})
        assert [sign_up(process).status_code for _ in range(2)] == [503, 202]
        process.request("POST", f"/api/a%0Ab{PRIVATE_KEY}")
        process.request("POST", f"/client/back-in-stock-subscriptions?company_id={PRIVATE_KEY}")
        eventually(lambda: "A browser sent a private key" in process.output())

    assert {
        "KLAVIYO_PUBLIC_KEY": account["public_key"],
        "KLAVIYO_PRIVATE_KEY": account["private_key"],
        "KLAVIYO_LIST_ID": account["list_id"],
    } == {**KEYS}
    assert found["attributes"]["contact_information"]["default_sender_name"] == "Smirr"
    assert "not Klaviyo itself" in process.output()
    calls = [line.strip() for line in process.lines if line.startswith("POST")]
    operation = "create_back_in_stock_subscription"
    assert calls == [
        f"POST {SERVER_PATH} 503 {operation} drill=503 a•••@s•••.org",
        f"POST {SERVER_PATH} 202 {operation} a•••@s•••.org",
        "POST /api/a%0Abpk_%E2%80%A6abab 404 unknown operation",
        "POST /client/back-in-stock-subscriptions 400 create_client_back_in_stock_subscription",
    ]
    assert PRIVATE_KEY not in process.output()
    assert EMAIL not in process.output()


def test_account_is_generated_without_keys() -> None:
    """The output says where to find the generated keys."""
    with running() as process:
        key = process.request("GET", "/_sandbox/account").json()["private_key"]
        assert sign_up(process, key).status_code == 202

    assert "/_sandbox/account" in process.output()
    assert key not in process.output()


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGTERM, "slow"), (signal.SIGINT, "drip")])
def test_signal_stops_it_during_a_slow_call(number: signal.Signals, kind: str) -> None:
    """The sandbox exits cleanly, and its port is free again."""
    with running(**KEYS) as process:
        port = int(process.url().rsplit(":", 1)[1])
        process.request("POST", "/_sandbox/drills", json={"kind": kind, "seconds": 600})
        failed = threading.Event()

        def call() -> None:
            try:
                sign_up(process)
            except requests.RequestException:
                failed.set()

        caller = threading.Thread(target=call)
        caller.start()
        eventually(lambda: process.request("GET", "/_sandbox/requests").json()["requests"])

        process.process.send_signal(number)
        process.process.send_signal(signal.SIGTERM)  # a launcher sends a second signal

        assert process.wait(STOP_TIMEOUT) == 0
        caller.join(20)
        assert failed.is_set()
        with socket.create_server(("127.0.0.1", port)):
            pass
    assert "Traceback" not in process.output()
    assert "Error" not in process.output()


def test_busy_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with running(SANDBOX_PORT=str(port)) as process:
            assert process.wait() == 1

    assert process.output() == (
        f"Port {port} is already in use: stop the other program, or set SANDBOX_PORT to "
        "a free port.\n"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"HOST": "0.0.0.0"}, "HOST is '0.0.0.0'"),
        ({"SANDBOX_PORT": "http"}, "SANDBOX_PORT is 'http'"),
        ({"SANDBOX_PORT": "65536"}, "SANDBOX_PORT is '65536'"),
        ({"KLAVIYO_PRIVATE_KEY": "ABC123"}, "must begin with pk_"),
        ({"SANDBOX_STATE": "/missing/state"}, "Can't open the state file /missing/state"),
    ],
)
def test_invalid_setting_is_an_error(settings: dict[str, str], message: str) -> None:
    """The error is one line that never contains a key."""
    with running(**settings) as process:
        assert process.wait() == 1

    assert message in process.output()
    assert len(process.lines) == 1
    assert PRIVATE_KEY not in process.output()


def test_ipv6_loopback() -> None:
    """The sandbox can listen on ::1, if the machine has that address."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    with running(HOST="::1") as process:
        assert process.request("GET", "/_sandbox/account").status_code == 200
