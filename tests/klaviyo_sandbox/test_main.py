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

from tests.klaviyo_sandbox.conftest import EMAIL, MEDIA_TYPE, SERVER_PATH, body, eventually

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
SETTINGS = (
    "HOST",
    "SANDBOX_PORT",
    "SANDBOX_STATE",
    "SANDBOX_SENDER",
    "KLAVIYO_PUBLIC_KEY",
    "KLAVIYO_PRIVATE_KEY",
    "KLAVIYO_LIST_ID",
)
PRIVATE_KEY = "pk_" + "ab" * 17
KEYS = {
    "KLAVIYO_PUBLIC_KEY": "ABC123",
    "KLAVIYO_PRIVATE_KEY": PRIVATE_KEY,
    "KLAVIYO_LIST_ID": "XYZ789",
}
STOP_WITHIN = 4


class Process:
    """The sandbox as a process of its own; everything that it prints is kept."""

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
        """Return the address that it printed."""
        found = eventually(lambda: re.search(r"http://\S+:\d+", self.output()))
        return str(found[0])

    def output(self) -> str:
        """Return what it printed so far."""
        return "".join(self.lines)

    def wait(self, within: float = 20) -> int:
        """Return its exit status, within a deadline."""
        status = self.process.wait(within)
        self._reader.join(20)
        return status

    def ask(self, method: str, path: str, **options: object) -> requests.Response:
        """Send a request, past any proxy."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url() + path, timeout=20, **options)  # type: ignore[arg-type]


@contextmanager
def running(*arguments: str, **settings: str) -> Iterator[Process]:
    """Run the sandbox on a free port, and end it whatever happens."""
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
        "revision": "2026-07-15",
        "Content-Type": MEDIA_TYPE,
    }
    return process.ask("POST", SERVER_PATH, headers=headers, json=body())


def test_it_serves_the_account_of_the_environment() -> None:
    """With keys given it uses them, prints where it is, and never prints the private one."""
    with running(**KEYS) as process:
        account = process.ask("GET", "/_sandbox/account").json()
        assert sign_up(process).status_code == 202
        eventually(lambda: "create_back_in_stock_subscription" in process.output())

    assert (
        account["public_key"],
        account["private_key"],
        account["list_id"],
    ) == ("ABC123", PRIVATE_KEY, "XYZ789")
    assert "not Klaviyo itself" in process.output()
    assert PRIVATE_KEY not in process.output()


def test_it_makes_an_account_when_none_is_given() -> None:
    """Without keys it makes them, and prints where they can be read, not what they are."""
    with running() as process:
        key = process.ask("GET", "/_sandbox/account").json()["private_key"]
        assert sign_up(process, key).status_code == 202

    assert "/_sandbox/account" in process.output()
    assert key not in process.output()


def test_the_sender_of_messages_can_be_named() -> None:
    """`SANDBOX_SENDER` is whom messages come from."""
    with running(**KEYS, SANDBOX_SENDER="Smirr") as process:
        headers = {"Authorization": f"Klaviyo-API-Key {PRIVATE_KEY}", "revision": "2026-07-15"}
        [account] = process.ask("GET", "/api/accounts", headers=headers).json()["data"]

    assert account["attributes"]["contact_information"]["default_sender_name"] == "Smirr"


def test_one_line_tells_of_each_call() -> None:
    """The log has status, operation and drill, masks contact details, and shouts of a leak."""
    with running(**KEYS) as process:
        process.ask("POST", "/_sandbox/drills", json={"kind": "503"})
        sign_up(process)
        sign_up(process)
        process.ask("POST", f"/api/a%0Ab{PRIVATE_KEY}")
        process.ask("POST", f"/client/back-in-stock-subscriptions?company_id={PRIVATE_KEY}")
        eventually(lambda: "A browser sent a private key" in process.output())

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


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGINT, "slow"), (signal.SIGTERM, "slow"), (signal.SIGINT, "drip")]
)
def test_it_stops_at_once_during_a_slow_call(number: signal.Signals, kind: str) -> None:
    """A signal ends it cleanly while a reply is under way, and its port is free again."""
    with running(**KEYS) as process:
        port = int(process.url().rsplit(":", 1)[1])
        process.ask("POST", "/_sandbox/drills", json={"kind": kind, "seconds": 600})
        failed = threading.Event()

        def call() -> None:
            try:
                sign_up(process)
            except requests.RequestException:
                failed.set()

        caller = threading.Thread(target=call)
        caller.start()
        eventually(lambda: process.ask("GET", "/_sandbox/requests").json()["requests"])

        process.process.send_signal(number)
        process.process.send_signal(signal.SIGTERM)  # as a launcher does after a terminal did

        assert process.wait(STOP_WITHIN) == 0
        caller.join(20)
        assert failed.is_set()
        with socket.create_server(("127.0.0.1", port)):
            pass
    assert "Traceback" not in process.output()
    assert "Error" not in process.output()


def test_a_busy_port_is_told_in_a_sentence() -> None:
    """It names the port and the variable to change, and is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(SANDBOX_PORT=str(port)) as process:
            assert process.wait() == 1

    assert process.output() == (
        f"Port {port} is already in use: stop the other program, or set SANDBOX_PORT to "
        "a free port.\n"
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"HOST": "0.0.0.0"}, "HOST is '0.0.0.0'"),
        ({"HOST": "shop.example.org"}, "HOST is 'shop.example.org'"),
        ({"SANDBOX_PORT": "http"}, "SANDBOX_PORT is 'http'"),
        ({"SANDBOX_PORT": "65536"}, "SANDBOX_PORT is '65536'"),
        ({"KLAVIYO_PRIVATE_KEY": "ABC123"}, "must begin with pk_"),
        ({"KLAVIYO_PUBLIC_KEY": PRIVATE_KEY}, "must not begin with pk_"),
    ],
)
def test_a_wrong_setting_stops_the_start(settings: dict[str, str], words: str) -> None:
    """One sentence says which setting is wrong and what to do, and no key is shown."""
    with running(**settings) as process:
        assert process.wait() == 1

    assert words in process.output()
    assert len(process.lines) == 1
    assert PRIVATE_KEY not in process.output()


def test_it_listens_on_ipv6s_loopback_too() -> None:
    """`HOST=::1` works where the machine has it."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    with running(HOST="::1") as process:
        assert process.ask("GET", "/_sandbox/account").status_code == 200
