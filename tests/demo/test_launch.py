"""`make run` in a copy of the project: start, sign up, Ctrl-C."""

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

from demo.__main__ import main
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
    "shop.toml",
    "static",
    "storefront",
    "templates",
)


def free_ports(count: int) -> list[int]:
    """Return different ports that nothing is using."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def is_free(port: int) -> bool:
    """Return whether nothing listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project without `instance/`."""
    return copy_project(tmp_path_factory.mktemp("checkout"))


def copy_project(folder: Path) -> Path:
    """Copy everything that `make run` needs into `folder`."""
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


class Launched:
    """A launcher process, with its ports and output."""

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

    def read_until(self, text: str) -> str:
        """Read until a line contains `text`; raise an error with the whole output otherwise."""
        while (line := self._queue.get(timeout=90)) is not None:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} was never printed:\n" + "".join(self.lines))

    def read_to_end(self) -> None:
        """Read until all processes have ended."""
        while (line := self._queue.get(timeout=TIMEOUT)) is not None:
            self.lines.append(line)

    def family(self) -> list[psutil.Process]:
        """Return the launcher and all processes that it started."""
        process = psutil.Process(self.process.pid)
        return [process, *process.children(recursive=True)]

    def interrupt(self) -> None:
        """Press Ctrl-C: SIGINT to the terminal's foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def launched(checkout: Path, **environ: str) -> Iterator[Launched]:
    """Start a launcher and wait for it; kill it and its children if the test leaves it running."""
    launcher = Launched(checkout, **environ)
    try:
        launcher.read_until("Press Ctrl-C to stop")
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
    """Return the URL of the first sign-up form in the listing."""
    page = requests.get(url, timeout=TIMEOUT).text
    path = page.split('href="/notify-me/%24')[1].split('"')[0]
    return f"{url}/notify-me/%24{path}"


def offered_variants(form: str) -> list[str]:
    """Return the composite IDs in a form."""
    return [part.split('value="')[1].split('"')[0] for part in form.split('name="variants"')[1:]]


def flask(checkout: Path, *arguments: str) -> str:
    """Run a `flask` command without `DEMO` in the environment; return its output."""
    result = subprocess.run(
        [sys.executable, "-m", "flask", *arguments],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if name != "DEMO"},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout


def status(checkout: Path) -> Any:
    """Return the output of `flask notify-me status --json`."""
    return json.loads(flask(checkout, "notify-me", "status", "--json"))


def test_start_sign_up_stop_and_restart(checkout: Path) -> None:
    """Ctrl-C leaves no process and frees the ports; a restart keeps the data."""
    # a proxy in the environment must be ignored for addresses of this machine
    with launched(checkout, http_proxy="http://127.0.0.1:9") as launcher:
        printed = "".join(launcher.lines)
        assert f"The shop is running at {launcher.url}" in printed
        sandbox = f"http://127.0.0.1:{launcher.sandbox_port}"
        assert sandbox in printed

        sample_sign_ups = status(checkout)["counts"]["accepted"]
        form = first_sold_out(launcher.url)
        variant = offered_variants(requests.get(form, timeout=TIMEOUT).text)[0]
        data = {"variants": variant, "channels": "EMAIL", "email": "ada@example.org"}
        done = requests.post(form, data=data, timeout=TIMEOUT)
        assert done.status_code == 200
        assert 'data-notify-me-state="done"' in done.text
        [waiting] = requests.get(f"{sandbox}/_sandbox/waiting", timeout=TIMEOUT).json()["waiting"]
        assert waiting["variant"] == variant

        # during an outage sign-ups are queued, and the worker sends them
        drill = {"kind": "503", "times": 2}
        requests.post(f"{sandbox}/_sandbox/drills", json=drill, timeout=TIMEOUT)
        data["email"] = "grace@example.org"
        assert 'data-notify-me-state="done"' in requests.post(form, data=data, timeout=TIMEOUT).text
        eventually(
            lambda: (
                len(requests.get(f"{sandbox}/_sandbox/waiting", timeout=TIMEOUT).json()["waiting"])
                == 2
            )
        )
        # commands in another terminal use the demo's data
        eventually(lambda: status(checkout)["counts"]["accepted"] == sample_sign_ups + 2)
        # commands in another terminal use the demo's ports, too
        pushed = flask(checkout, "storefront", "push-catalog", "--dry-run")
        assert "; 75 are up to date." in pushed

        family = launcher.family()
        assert len(family) > 2
        launcher.interrupt()
        launcher.process.wait(timeout=TIMEOUT)
        _, alive = psutil.wait_procs(family, timeout=TIMEOUT)
        assert alive == []
        assert is_free(launcher.port)
        assert is_free(launcher.sandbox_port)

    with launched(checkout) as launcher:
        sandbox = f"http://127.0.0.1:{launcher.sandbox_port}"
        waiting = requests.get(f"{sandbox}/_sandbox/waiting", timeout=TIMEOUT).json()["waiting"]
        assert len(waiting) == 2
        page = requests.get(launcher.url, timeout=TIMEOUT).text
        assert f'href="{sandbox}/mailbox"' in page


@pytest.mark.slow
def test_ctrl_c_during_a_slow_call(checkout: Path) -> None:
    """Ctrl-C ends everything soon, even though Klaviyo would take a minute to respond."""
    with launched(checkout) as launcher:
        sandbox = f"http://127.0.0.1:{launcher.sandbox_port}/_sandbox"
        requests.post(f"{sandbox}/reset", timeout=TIMEOUT).raise_for_status()
        drill = {"kind": "slow", "times": 1, "seconds": 60}
        requests.post(f"{sandbox}/drills", json=drill, timeout=TIMEOUT).raise_for_status()
        form = first_sold_out(launcher.url)
        variant = offered_variants(requests.get(form, timeout=TIMEOUT).text)[0]
        data = {"variants": variant, "channels": "EMAIL", "email": "ada@example.org"}

        def post() -> None:
            # Ctrl-C may interrupt the request
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
        # printed if a process has to be killed after five seconds
        assert "SIGKILL" not in "".join(launcher.lines)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
        assert is_free(launcher.port)
        assert is_free(launcher.sandbox_port)
        shopper.join()


@pytest.mark.slow
def test_with_keys_no_sandbox_starts(checkout: Path, sandbox: Sandbox) -> None:
    """With KLAVIYO_API_URL and keys, sign-ups go to that URL."""
    with launched(checkout, **sandbox.environ()) as launcher:
        form = first_sold_out(launcher.url)
        variant = offered_variants(requests.get(form, timeout=TIMEOUT).text)[0]
        data = {"variants": variant, "channels": "EMAIL", "email": "joan@example.org"}
        assert 'data-notify-me-state="done"' in requests.post(form, data=data, timeout=TIMEOUT).text

        # the worker may also send what an earlier test queued
        [call] = [call for call in sandbox.requests() if "joan@" in str(call["body"])]
        assert call["problems"] == []
        assert is_free(launcher.sandbox_port)
        launcher.interrupt()
        launcher.process.wait(timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"PORT": "http"}, "PORT is 'http': set it to a port"),
        ({"DEMO": "maybe"}, "DEMO is 'maybe': set it to 1 or 0"),
        ({"DEMO": "0"}, "SECRET_KEY is not set"),
        ({"DEMO": "off"}, "SECRET_KEY is not set"),
        ({"PORT": "5077", "SANDBOX_PORT": "5077"}, "PORT and SANDBOX_PORT are the same"),
        ({"DEMO": "0", "SECRET_KEY": "s" * 32}, "KLAVIYO_PRIVATE_KEY is not set"),
        ({"NOTIFY_ME_CONFIG": "nowhere.toml"}, "NOTIFY_ME_CONFIG is nowhere.toml"),
        ({"KLAVIYO_API_URL": "a.klaviyo.com"}, "KLAVIYO_API_URL: must be a URL such as"),
        ({"KLAVIYO_PUBLIC_KEY": "pk_abc"}, "KLAVIYO_PUBLIC_KEY: this is a private key"),
        ({"NOTIFY_ME_MODE": "both"}, "NOTIFY_ME_MODE: must be"),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL is not a database URL"),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "points to a file in /nowhere/at"),
        ({"DATABASE_URL": "oracle+cx_oracle://shop"}, "DATABASE_URL needs the Python package"),
    ],
)
def test_invalid_setting_prevents_startup(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environ: dict[str, str],
    message: str,
) -> None:
    """The message contains the remedy."""
    monkeypatch.setattr("demo.__main__.ROOT", tmp_path)
    monkeypatch.delenv("DEMO", raising=False)
    for name, value in {"PORT": str(free_ports(1)[0]), **environ}.items():
        monkeypatch.setenv(name, value)

    assert main() == 2
    assert message in capsys.readouterr().err


def test_env_file_in_another_encoding_prevents_startup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("demo.__main__.ROOT", tmp_path)
    (tmp_path / ".env").write_bytes("SECRET_KEY=clé".encode("latin-1"))

    assert main() == 2
    assert f"{tmp_path / '.env'} is not UTF-8" in capsys.readouterr().err


def test_port_in_use_prevents_startup(checkout: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
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
    assert "Traceback" not in result.stderr
    assert f"Port {port} on 127.0.0.1 isn't available" in result.stderr
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
def test_other_start_commands_name_make_run_until_the_demo_exists(
    tmp_path: Path, command: list[str], demo: str
) -> None:
    result = subprocess.run(
        [sys.executable, *command],
        cwd=copy_project(tmp_path),
        env={**os.environ, "PORT": str(free_ports(1)[0]), "DEMO": demo},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )

    assert result.returncode != 0
    assert "make run" in result.stderr
    assert "Traceback" not in result.stderr
