"""A shop with a web process, workers, and a database that can be stopped."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa
from flask import Flask

from tests.forked import python
from tests.notify_me.small_shop import DATABASE, engine_of, small_catalog, small_shop
from tests.support import TIMEOUT, Sandbox, eventually

MUG = "/notify-me/$custom:::$default:::MUG"
ELEMENT = {"X-Notify-Me": "1"}
QUICK = """
[delivery]
breaker_pause = 0.2
first_retry = 0.1
longest_retry = 0.5
probe_every = 1
back_in_stock_per_second = 200
"""
"""Settings with short delays and a high rate."""


class Shop:
    """The small shop on a database, with an app in this process and others in child processes."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, url: str = "", settings: str = QUICK
    ) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.settings = folder / "notify_me.toml"
        self.settings.write_text(settings)
        url = url or f"sqlite:///{folder / DATABASE}"
        self.config: dict[str, Any] = {
            "NOTIFY_ME_CONFIG": str(self.settings),
            "NOTIFY_ME_DATABASE_URI": url,
            **sandbox.environ(),
        }
        self.app = small_shop(folder, small_catalog(), **self.config)
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)

    def environ(self, **config: Any) -> dict[str, str]:
        """Return the environment of a process of this shop."""
        shop = json.dumps([str(self.folder), {**self.config, **config}])
        return {**os.environ, "SMALL_SHOP": shop, "PYTHONUNBUFFERED": "1"}

    def close(self) -> None:
        """Close this process's connections."""
        with self.app.app_context():
            engine_of(self.app).dispose()

    def flask(self, *arguments: str) -> str:
        """Run `flask notify-me …`, which must succeed; return its output."""
        result = self.app.test_cli_runner().invoke(args=["notify-me", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    def status(self) -> dict[str, Any]:
        """Return the output of `flask notify-me status --json`."""
        status: dict[str, Any] = json.loads(self.flask("status", "--json"))
        return status

    def sign_up(self, email: str, path: str = MUG, app: Flask | None = None) -> bool:
        """Sign up in this process, as the element does; return whether it was confirmed."""
        reply = (
            (app or self.app)
            .test_client()
            .post(path, data={"channels": "EMAIL", "email": email}, headers=ELEMENT)
        )
        return bool(reply.get_json()["state"] == "done")

    def sign_up_many(self, emails: list[str], app: Flask | None = None) -> set[str]:
        """Sign people up in this process; return those who were confirmed."""
        return {email for email in emails if self.sign_up(email, app=app)}

    @contextmanager
    def web(self, **config: Any) -> Iterator[Web]:
        """Serve the shop; kill it at the end."""
        output = self._output("web")
        with python(["tests.notify_me.small_shop"], self.environ(**config), output) as process:
            eventually(lambda: not process.is_alive() or _port(output))
            assert process.is_alive(), output.read_text()
            yield Web(process, f"http://127.0.0.1:{_port(output)}", output)

    @contextmanager
    def worker(self, folder: str = "instance", **config: Any) -> Iterator[Worker]:
        """Run a worker and kill it at the end. Workers on one machine have the same `folder`."""
        output = self._output("worker")
        machine = {"NOTIFY_ME_WORKER_FOLDER": str(self.folder / folder)}
        with python([*FLASK, "deliver"], {**self.environ(**config), **machine}, output) as process:
            yield Worker(process, output)

    def _output(self, name: str) -> Path:
        """Create an empty file for the output of one more process."""
        file = self.folder / f"{name}-{len(list(self.folder.glob(f'{name}-*.log')))}.log"
        file.touch()
        return file

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query on the shop's database."""
        with self.engine.connect() as connection:
            return list(connection.execute(sa.text(query)))

    def counts(self) -> dict[str, int]:
        """Count calls by state."""
        query = "SELECT state, count(*) FROM notify_me_call GROUP BY state"
        return {str(state): count for state, count in self.rows(query)}

    def delivered(self) -> bool:
        """Return whether no call is queued."""
        return not self.counts().get("queued")

    def addresses(self) -> set[str]:
        """Return the addresses that Klaviyo has."""
        return {str(waiting["profile"]["email"]) for waiting in self.sandbox.waiting()}


FLASK = ["flask", "--app", "tests.notify_me.small_shop:from_environ", "notify-me"]


def _port(output: Path) -> str:
    """Return the port that a served shop has printed; empty before that."""
    match = re.search(r"^\d+$", output.read_text(), re.MULTILINE)
    return match[0] if match else ""


class Web:
    """A served shop."""

    def __init__(self, process: ForkServerProcess, url: str, output: Path) -> None:
        self.process = process
        self.url = url
        self.output = output

    def sign_up(self, email: str, path: str = MUG) -> requests.Response:
        """Sign up as the element does."""
        return requests.post(
            self.url + path,
            data={"channels": "EMAIL", "email": email},
            headers=ELEMENT,
            timeout=TIMEOUT,
        )

    def sign_up_many(self, emails: list[str], threads: int = 8) -> set[str]:
        """Sign people up in parallel; return those who were confirmed."""

        def confirmed(email: str) -> bool:
            with suppress(requests.RequestException, ValueError):
                return bool(self.sign_up(email).json()["state"] == "done")
            return False

        with ThreadPoolExecutor(threads) as pool:
            results = pool.map(confirmed, emails)
            return {email for email, ok in zip(emails, results, strict=True) if ok}


class Worker:
    """A worker's process and its output."""

    def __init__(self, process: ForkServerProcess, log: Path) -> None:
        self.process = process
        self.log = log

    def has_logged(self, text: str) -> bool:
        """Return whether the worker has logged this text; fail if it exited without doing so."""
        logged = text in self.log.read_text()
        assert logged or self.process.is_alive(), self.log.read_text()
        return logged

    def wait_until_ready(self) -> Worker:
        """Wait until the worker delivers."""
        eventually(lambda: self.has_logged("delivering queued calls as worker"))
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop the worker; return its exit status."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)
        return self.wait_for_exit()

    def wait_for_exit(self) -> int:
        """Wait until the worker exits; return its exit status."""
        self.process.join(TIMEOUT)
        assert self.process.exitcode is not None, self.log.read_text()
        return self.process.exitcode


def people(count: int, name: str = "shopper") -> list[str]:
    """Return this many email addresses."""
    return [f"{name}{number}@example.org" for number in range(count)]


class Postgres:
    """A PostgreSQL cluster that can be stopped and started again."""

    def __init__(self, binaries: Path, folder: Path, *, durable: bool = False) -> None:
        self._fsync = "on" if durable else "off"
        self._binaries = binaries
        self._folder = folder
        self._as: list[str] = []
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root; Debian's package creates this user
            self._as = ["runuser", "-u", "postgres", "--"]
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._run("initdb", "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "--no-sync",
                  "-E", "UTF8", "--locale=C.UTF-8")  # fmt: skip
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._binaries / program), *arguments]
        with (self._folder / "commands.log").open("a") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd="/")

    def start(self) -> None:
        """Start the cluster and wait until it responds."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} "
            f"-c fsync={self._fsync} -c shared_buffers=64MB -c max_connections=100"
        )
        data, log = f"{self._folder}/data", f"{self._folder}/log"
        self._run("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the cluster; by default immediately, like a crash."""
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-m", mode, "-w", "stop")

    def database(self, name: str) -> str:
        """Create an empty database; return its URL."""
        engine = sa.create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return self._url(name)

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"


def postgres_binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs: on the path, or where Debian installs them."""
    if initdb := shutil.which("initdb"):
        return Path(initdb).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def lost(shop: Shop, confirmed: set[str]) -> set[str]:
    """Return the confirmed addresses that Klaviyo doesn't have."""
    return confirmed - shop.addresses()
