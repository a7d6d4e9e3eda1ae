"""`make run`, as a newcomer meets it: a copy of the project, a start, a sign-up, Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Queue
from typing import Any

import psutil
import pytest
import requests

from tests.support import TIMEOUT, Sandbox, eventually

ROOT = Path(__file__).parents[2]
PARTS = (
    "app.py",
    "demo",
    "gunicorn.conf.py",
    "klaviyo_sandbox",
    "notify_me",
    "notify_me.toml",
    "Procfile",
    "static",
    "storefront",
    "templates",
)


def free_ports(count: int) -> list[int]:
    """Ports that nothing held a moment ago, each another."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def is_free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what runs, with an empty `instance/`."""
    return copied(tmp_path_factory.mktemp("checkout"))


def copied(folder: Path) -> Path:
    """The folder, with a copy of what runs in it."""
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


class Launched:
    """A started launcher: its ports and what it printed."""

    def __init__(self, checkout: Path, **environ: str) -> None:
        self.port, self.sandbox_port = free_ports(2)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo"],
            cwd=checkout,
            env={
                **{name: value for name, value in os.environ.items() if name != "DEMO"},
                "PORT": str(self.port),
                "SANDBOX_PORT": str(self.sandbox_port),
                "PYTHONUNBUFFERED": "1",
                **environ,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._queue: Queue[str | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = f"http://127.0.0.1:{self.port}"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put(None)

    def read_until(self, words: str) -> str:
        """Read on until a line holds `words`; fails with all that was printed."""
        while (line := self._queue.get(timeout=90)) is not None:
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"{words!r} was never printed:\n" + "".join(self.lines))

    def read_to_end(self) -> None:
        """Read what is printed until everything has ended."""
        while (line := self._queue.get(timeout=TIMEOUT)) is not None:
            self.lines.append(line)

    def family(self) -> list[psutil.Process]:
        """Everything that the launcher started, itself included."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def interrupt(self) -> None:
        """Ctrl-C: SIGINT to the terminal's foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def launched(checkout: Path, **environ: str) -> Iterator[Launched]:
    """A launcher that is up; killed with its children if the test leaves it running."""
    launcher = Launched(checkout, **environ)
    try:
        launcher.read_until("Stop with Ctrl-C")
        yield launcher
    finally:
        if launcher.process.poll() is None:
            for process in launcher.family():
                process.kill()
        launcher.process.wait()
        launcher._reader.join(TIMEOUT)
        if launcher.process.stdout:
            launcher.process.stdout.close()


def first_sold_out(url: str) -> str:
    """The address of the first form that the listing links to."""
    page = requests.get(url, timeout=TIMEOUT).text
    path = page.split('href="/notify-me/%24')[1].split('"')[0]
    return f"{url}/notify-me/%24{path}"


def choices(form: str) -> list[str]:
    """The composite IDs that a form offers."""
    return [part.split('value="')[1].split('"')[0] for part in form.split('name="variants"')[1:]]


def flask(checkout: Path, *arguments: str) -> str:
    """What a `flask …` command tells in a shell where nothing is set."""
    told = subprocess.run(
        [sys.executable, "-m", "flask", *arguments],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if name != "DEMO"},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout


def status(checkout: Path) -> Any:
    """What `flask notify-me status --json` tells."""
    return json.loads(flask(checkout, "notify-me", "status", "--json"))


def test_the_whole_way_and_a_clean_end(checkout: Path) -> None:
    """Start, sign up, see it in the sandbox, press Ctrl-C: no process and no port is left."""
    # a proxy in the environment is not for this machine's own addresses
    with launched(checkout, http_proxy="http://127.0.0.1:9") as launcher:
        printed = "".join(launcher.lines)
        assert f"The shop is open at {launcher.url}" in printed
        sandbox = f"http://127.0.0.1:{launcher.sandbox_port}"
        assert sandbox in printed

        form = first_sold_out(launcher.url)
        variant = choices(requests.get(form, timeout=TIMEOUT).text)[0]
        data = {"variants": variant, "channels": "EMAIL", "email": "ada@example.org"}
        done = requests.post(form, data=data, timeout=TIMEOUT)
        assert done.status_code == 200
        assert "on the list" in done.text
        [waiting] = requests.get(f"{sandbox}/_sandbox/waiting", timeout=TIMEOUT).json()["waiting"]
        assert waiting["variant"] == variant

        # what Klaviyo can't take is kept, and the worker sends it
        drill = {"kind": "503", "times": 2}
        requests.post(f"{sandbox}/_sandbox/drills", json=drill, timeout=TIMEOUT)
        data["email"] = "grace@example.org"
        assert "on the list" in requests.post(form, data=data, timeout=TIMEOUT).text
        eventually(
            lambda: (
                len(requests.get(f"{sandbox}/_sandbox/waiting", timeout=TIMEOUT).json()["waiting"])
                == 2
            )
        )
        # a command in another terminal sees the demo's data
        eventually(lambda: status(checkout)["counts"]["accepted"] == 2)
        # beside the demo, on whatever ports it was started
        pushed = flask(checkout, "storefront", "push-catalog", "--dry-run")
        assert "; 75 are as they should be." in pushed

        family = launcher.family()
        assert len(family) > 2
        launcher.interrupt()
        launcher.process.wait(timeout=TIMEOUT)
        _, alive = psutil.wait_procs(family, timeout=TIMEOUT)
        assert alive == []
        assert is_free(launcher.port)
        assert is_free(launcher.sandbox_port)

    # the demo goes on where it was left
    with launched(checkout) as launcher:
        sandbox = f"http://127.0.0.1:{launcher.sandbox_port}"
        kept = requests.get(f"{sandbox}/_sandbox/waiting", timeout=TIMEOUT).json()["waiting"]
        assert len(kept) == 2
        page = requests.get(launcher.url, timeout=TIMEOUT).text
        assert f'href="{sandbox}/mailbox"' in page


@pytest.mark.slow
def test_ctrl_c_during_a_slow_call(checkout: Path) -> None:
    """With Klaviyo taking a minute to answer, Ctrl-C still ends everything, soon."""
    with launched(checkout) as launcher:
        sandbox = f"http://127.0.0.1:{launcher.sandbox_port}/_sandbox"
        requests.post(f"{sandbox}/reset", timeout=TIMEOUT).raise_for_status()
        drill = {"kind": "slow", "times": 1, "seconds": 60}
        requests.post(f"{sandbox}/drills", json=drill, timeout=TIMEOUT).raise_for_status()
        form = first_sold_out(launcher.url)
        variant = choices(requests.get(form, timeout=TIMEOUT).text)[0]
        data = {"variants": variant, "channels": "EMAIL", "email": "ada@example.org"}

        def post() -> None:
            # it may be cut off: that is what Ctrl-C does
            with suppress(requests.RequestException):
                requests.post(form, data=data, timeout=TIMEOUT)

        shopper = threading.Thread(target=post)
        shopper.start()
        while not requests.get(f"{sandbox}/requests", timeout=TIMEOUT).json()["requests"]:
            pass
        family = launcher.family()
        launcher.interrupt()
        launcher.process.wait(timeout=15)
        launcher.read_to_end()
        # it says so when it has to kill what is left after five seconds
        assert "SIGKILL" not in "".join(launcher.lines)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
        assert is_free(launcher.port)
        assert is_free(launcher.sandbox_port)
        shopper.join()


@pytest.mark.slow
def test_with_a_klaviyo_given_no_sandbox_starts(checkout: Path, sandbox: Sandbox) -> None:
    """With KLAVIYO_API_URL and keys, the same sign-up goes there, and the port stays free."""
    with launched(checkout, **sandbox.environ()) as launcher:
        form = first_sold_out(launcher.url)
        variant = choices(requests.get(form, timeout=TIMEOUT).text)[0]
        data = {"variants": variant, "channels": "EMAIL", "email": "joan@example.org"}
        assert "on the list" in requests.post(form, data=data, timeout=TIMEOUT).text

        # a worker may find what another start has left
        [call] = [each for each in sandbox.requests() if "joan@" in str(each["body"])]
        assert call["problems"] == []
        assert is_free(launcher.sandbox_port)
        launcher.interrupt()
        launcher.process.wait(timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PORT": "http"}, "PORT is 'http': set it to a port"),
        ({"DEMO": "maybe"}, "DEMO is 'maybe': set it to 1 or 0"),
        ({"DEMO": "0"}, "SECRET_KEY is not set"),
        ({"DEMO": "off"}, "SECRET_KEY is not set"),
        ({"PORT": "5077", "SANDBOX_PORT": "5077"}, "PORT and SANDBOX_PORT are the same"),
        ({"DEMO": "0", "SECRET_KEY": "s" * 32}, "KLAVIYO_PRIVATE_KEY is not set"),
        ({"NOTIFY_ME_CONFIG": "nowhere.toml"}, "NOTIFY_ME_CONFIG names nowhere.toml"),
        ({"KLAVIYO_API_URL": "a.klaviyo.com"}, "KLAVIYO_API_URL: must be an address such as"),
        ({"KLAVIYO_PUBLIC_KEY": "pk_abc"}, "KLAVIYO_PUBLIC_KEY: holds a private key"),
        ({"NOTIFY_ME_MODE": "both"}, "NOTIFY_ME_MODE: must be"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is not a database URL"),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "DATABASE_URL can't be used"),
        ({"DATABASE_URL": "oracle+cx_oracle://shop"}, "DATABASE_URL needs the Python package"),
    ],
)
def test_a_wrong_setting_stops_the_start(
    checkout: Path, environ: dict[str, str], words: str
) -> None:
    """One sentence names the setting and what to do; no traceback, nothing is started."""
    result = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=checkout,
        env={**os.environ, "PORT": str(free_ports(1)[0]), **environ},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )

    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_busy_port_is_named(checkout: Path) -> None:
    """What to do about a port that something else holds."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = subprocess.run(
            [sys.executable, "-m", "demo"],
            cwd=checkout,
            env={**os.environ, "PORT": str(port)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    assert result.returncode == 2
    assert f"Port {port} on 127.0.0.1 can't be had" in result.stderr
    assert "PORT=5050 make run" in result.stderr


@pytest.mark.parametrize(
    ("command", "demo"),
    [
        (["-m", "flask", "run"], ""),
        (["-m", "flask", "--app", "app", "run", "--debug"], "1"),
        (["app.py"], ""),
        (["-m", "gunicorn", "app:create_app()"], ""),
    ],
    ids=["flask run", "debug", "python app.py", "gunicorn"],
)
@pytest.mark.process
def test_started_otherwise_before_there_is_a_demo(
    tmp_path: Path, command: list[str], demo: str
) -> None:
    """One sentence says which command to type."""
    result = subprocess.run(
        [sys.executable, *command],
        cwd=copied(tmp_path),
        env={**os.environ, "PORT": str(free_ports(1)[0]), "DEMO": demo},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )

    assert result.returncode != 0
    assert "make run" in result.stderr
    assert "Traceback" not in result.stderr
