"""What the delivery engine promises, measured: `make bench-delivery`.

`--quick` makes everything smaller and the outage short; `--only NAME` measures one thing. The web
is the demo shop under gunicorn with its eight threads, Klaviyo is the sandbox in a process of its
own, PostgreSQL is a cluster of its own that writes to the disk as in production.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from klaviyo_sandbox import make_account
from notify_me import CompositeID
from notify_me.channels import Channel
from notify_me.delivery import Queue, jobs
from notify_me.klaviyo.calls import SignUp, build_calls
from notify_me.klaviyo.outcomes import KlaviyoResponse, Temporary
from notify_me.store.sign_up_log import SignUpLog
from tests.notify_me.running_shop import Postgres, people, postgres_binaries

ROOT = Path(__file__).parents[1]
PATIENCE = 900
"""Seconds until something that never comes is given up."""


def wait_for(found: Callable[[], Any]) -> Any:
    """The first true value."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(requests.RequestException):
            if value := found():
                return value
        time.sleep(0.05)
    raise SystemExit("it never came")


def free_port() -> int:
    """A port that nothing held a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Klaviyo:
    """The counting sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def be(self, **options: Any) -> None:
        """Set `delay` in seconds, `away`, or `reset`."""
        self._session.post(f"{self.url}/_bench", json=options, timeout=30).raise_for_status()

    def calls(self) -> list[tuple[float, str, str]]:
        """Arrival, status and address of each call."""
        found: list[tuple[float, str, str]]
        found = self._session.get(f"{self.url}/_bench", timeout=30).json()
        return found

    def has(self) -> set[str]:
        """The addresses that it took."""
        return {email for _, status, email in self.calls() if status in ("202", "409")}


class Bench:
    """A shop on one database, before one sandbox."""

    def __init__(self, folder: Path, klaviyo: Klaviyo, environ: dict[str, str], url: str) -> None:
        self.folder = folder
        self.klaviyo = klaviyo
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {**environ, "DATABASE_URL": url, "PORT": str(self.port)}
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self._flask("db", "upgrade")
        self._flask("storefront", "load")
        query = "SELECT sku FROM shop_variant WHERE quantity = 0 ORDER BY id LIMIT 1"
        with self.engine.connect() as connection:
            sku = connection.execute(sa.text(query)).scalar_one()
            product = (
                connection.execute(sa.text("SELECT handle FROM shop_product")).scalars().first()
            )
        self.form = f"{self.url}/notify-me/$custom:::$default:::{sku}"
        self.page = f"{self.url}/products/{product}"

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "flask", "--app", "app:create_app()", *arguments]

    def _flask(self, *arguments: str) -> None:
        subprocess.run(
            self._command(*arguments), cwd=ROOT, env=self.environ, check=True, capture_output=True
        )

    @contextmanager
    def _process(self, command: Sequence[str], name: str, **more: str) -> Iterator[Any]:
        with (self.folder / f"{name}.log").open("a") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environ, **more},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @contextmanager
    def web(self) -> Iterator[Any]:
        """The shop under gunicorn."""
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
        with self._process([*command, "app:create_app()"], "web") as process:
            wait_for(lambda: requests.get(f"{self.url}/healthz", timeout=5).ok)
            yield process

    @contextmanager
    def worker(self, machine: str = "machine") -> Iterator[Any]:
        """A worker on the named machine."""
        folder = str(self.folder / machine)
        command = self._command("notify-me", "deliver")
        with self._process(command, machine, NOTIFY_ME_WORKER_FOLDER=folder) as process:
            yield process

    def sign_up(self, email: str) -> bool:
        """Whether the shopper was thanked."""
        with suppress(requests.RequestException, ValueError):
            reply = requests.post(
                self.form,
                data={"channels": "EMAIL", "email": email},
                headers={"X-Notify-Me": "1"},
                timeout=30,
            )
            return bool(reply.json()["state"] == "done")
        return False

    def sign_up_all(self, emails: Sequence[str], threads: int = 8) -> set[str]:
        """Those who were thanked."""
        with ThreadPoolExecutor(threads) as pool:
            return {
                email
                for email, ok in zip(emails, pool.map(self.sign_up, emails), strict=True)
                if ok
            }

    def kept(self) -> int:
        """Calls that wait."""
        query = "SELECT count(*) FROM notify_me_call WHERE state = 'queued'"
        with self.engine.connect() as connection:
            return int(connection.execute(sa.text(query)).scalar_one())


class Rig:
    """Makes shops, each on a database of its own."""

    def __init__(self, folder: Path, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        self.rows: list[tuple[str, str, str]] = []
        account, port = make_account(), free_port()
        own = {name: value for name, value in os.environ.items() if not name.startswith("KLAVIYO")}
        self.environ = {
            **own,
            "DEMO": "0",
            "KLAVIYO_API_URL": f"http://127.0.0.1:{port}",
            "KLAVIYO_PRIVATE_KEY": account.private_key,
            "KLAVIYO_PUBLIC_KEY": account.public_key,
            "KLAVIYO_LIST_ID": account.list_id,
            "NOTIFY_ME_LOG_KEY": "l" * 32,
            "SECRET_KEY": "s" * 32,
            "RATELIMIT_ENABLED": "0",
            "HOST": "127.0.0.1",
        }
        self.klaviyo = Klaviyo(self.environ["KLAVIYO_API_URL"])
        with (folder / "klaviyo.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.klaviyo", str(port)],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
            )
        wait_for(lambda: self.klaviyo.calls() == [])
        self._postgres: Postgres | None = None
        self._count = 0

    def url(self, database: str) -> str:
        """A new, empty database."""
        self._count += 1
        if database == "SQLite":
            return f"sqlite:///{self.folder}/shop-{self._count}.db"
        if self._postgres is None:
            binaries = postgres_binaries()
            if binaries is None:
                raise SystemExit("PostgreSQL is missing: apt-get install postgresql")
            place = self.folder / "postgres"
            place.mkdir(mode=0o755)
            self._postgres = Postgres(binaries, place, durable=True)
        return self._postgres.database(f"shop{self._count}")

    def shop(self, database: str) -> Bench:
        """A new shop."""
        url = self.url(database)
        folder = self.folder / f"shop-{self._count}"
        folder.mkdir()
        self.klaviyo.be(reset=True)
        requests.post(f"{self.klaviyo.url}/_sandbox/reset", timeout=30).raise_for_status()
        return Bench(folder, self.klaviyo, self.environ, url)

    def tell(self, what: str, found: str, name: str) -> None:
        """One row of the table, told at once and again in the end."""
        quick = " --quick" if self.quick else ""
        row = (what, found, f"python -m benchmarks.delivery --only {name}{quick}")
        self.rows.append(row)
        print(f"| {' | '.join(row)} |", flush=True)

    def close(self) -> None:
        """End what was started."""
        self._process.kill()
        self._process.wait()
        if self._postgres is not None:
            self._postgres.stop()


def repeated(klaviyo: Klaviyo) -> int:
    """Calls that Klaviyo took more than once."""
    taken = Counter(email for _, status, email in klaviyo.calls() if status in ("202", "409"))
    return sum(count - 1 for count in taken.values())


def busiest(moments: Sequence[float], seconds: float) -> int:
    """The most calls in any window of so many seconds."""
    moments, start, most = sorted(moments), 0, 0
    for end, moment in enumerate(moments):
        while moments[start] <= moment - seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


def kills(rig: Rig) -> None:
    """kill -9 of web and worker at random moments; whoever was thanked must arrive."""
    rounds, each = (4, 60) if rig.quick else (20, 60)
    for database in ("SQLite", "PostgreSQL"):
        shop, chance = rig.shop(database), random.Random(20)
        thanked: set[str] = set()
        killed = 0
        for number in range(rounds):
            # half of each round Klaviyo is away, so that both ways are cut off
            rig.klaviyo.be(away=number % 2 == 0, delay=0.02)
            with shop.web() as web, shop.worker() as worker:
                timers = [
                    threading.Timer(
                        chance.uniform(0.3, 1.5), os.killpg, (process.pid, signal.SIGKILL)
                    )
                    for process in ((web, worker) if number % 4 else (web,))
                ]
                for timer in timers:
                    timer.start()
                done = shop.sign_up_all(people(each, f"kill{number}x"))
                thanked |= done
                for timer in timers:
                    timer.join()
                killed += len(timers)
            with shop.web():
                thanked |= shop.sign_up_all(people(max(each - len(done), 0), f"again{number}x"))
        rig.klaviyo.be()
        with shop.worker():
            wait_for(lambda: not shop.kept())
        lost = len(thanked - rig.klaviyo.has())
        rig.tell(
            f"{killed} kill -9, {database}",
            f"{len(thanked)} acknowledged, {lost} lost, {repeated(rig.klaviyo)} repeated",
            "kills",
        )


def outage(rig: Rig) -> None:
    """Klaviyo is away for two minutes while sign-ups go on."""
    seconds, count = (10, 200) if rig.quick else (120, 2000)
    for database in ("SQLite", "PostgreSQL"):
        shop = rig.shop(database)
        rig.klaviyo.be(away=True)
        with shop.web(), shop.worker():
            began = time.monotonic()
            emails, thanked = people(count), set[str]()
            while emails:
                # spread over the outage
                share = max(1, int(count / seconds))
                thanked |= shop.sign_up_all(emails[:share])
                emails = emails[share:]
                ahead = (count - len(emails)) / count * seconds - (time.monotonic() - began)
                time.sleep(max(ahead, 0))
            time.sleep(max(seconds - (time.monotonic() - began), 0))
            waiting, back = shop.kept(), time.monotonic()
            rig.klaviyo.be()
            wait_for(lambda: not shop.kept())
            drained = time.monotonic() - back
        lost = len(thanked - rig.klaviyo.has())
        rig.tell(
            f"an outage of {seconds} s, {database}",
            f"{len(thanked)} acknowledged, {lost} lost; {waiting} drained in {drained:.0f} s "
            f"({waiting / drained:.0f} a second; limit 40)",
            "outage",
        )


def limits(rig: Rig) -> None:
    """Two workers on two machines and one PostgreSQL, with a backlog."""
    count = 400 if rig.quick else 3000
    shop = rig.shop("PostgreSQL")
    rig.klaviyo.be(away=True)
    with shop.web():
        thanked = shop.sign_up_all(people(count))
    rig.klaviyo.be(reset=True)
    with shop.worker("one"), shop.worker("two"):
        wait_for(lambda: not shop.kept())
    found = rig.klaviyo.calls()
    moments = [moment for moment, _, _ in found]
    throttled = sum(status == "429" for _, status, _ in found)
    rig.tell(
        f"two workers, {len(thanked)} calls, PostgreSQL",
        f"busiest second {busiest(moments, 1)} of Klaviyo's 350, busiest minute "
        f"{busiest(moments, 60)} of 3,500; {throttled} 429s; "
        f"{len(thanked - rig.klaviyo.has())} lost, {repeated(rig.klaviyo)} repeated",
        "limits",
    )


def accepts(rig: Rig) -> None:
    """Log and keep, against a bare insert and commit in the same database. One accept is two
    commits, of three rows and of six; `same` writes as many, bare.
    """
    seconds = 2.0 if rig.quick else 5.0
    sign_up = SignUp(
        (CompositeID("$custom", "$default", "MUG"), CompositeID("$custom", "$default", "CAP")),
        (Channel.EMAIL,),
        "shopper@example.org",
    )
    to_make = build_calls(sign_up, "api")
    failed = [Temporary(KlaviyoResponse(503), "", "answered 503")] * len(to_make)
    for database in ("SQLite", "PostgreSQL"):
        shop = rig.shop(database)
        options: dict[str, Any] = {"hide_parameters": True}
        if database == "SQLite":
            options["connect_args"] = {"timeout": 2}
        engine = sa.create_engine(shop.engine.url, **options)
        if database == "SQLite":
            sa.event.listen(engine, "connect", _as_the_shop)
        log = SignUpLog(partial(_same, engine), "l" * 32)
        queue = Queue(partial(_same, engine))
        table = sa.Table("bare", sa.MetaData(), sa.Column("body", sa.JSON))
        table.create(engine)

        def bare(engine: sa.Engine = engine, table: sa.Table = table) -> None:
            with engine.begin() as connection:
                connection.execute(table.insert(), {"body": dict(to_make[0].body)})

        def same(engine: sa.Engine = engine, table: sa.Table = table) -> None:
            for count in (3, 6):
                with engine.begin() as connection:
                    connection.execute(table.insert(), [{"body": dict(to_make[0].body)}] * count)

        def accept(log: SignUpLog = log, queue: Queue = queue) -> None:
            made = log.start(sign_up, to_make, "server")
            left = range(len(to_make))
            log.settle(
                made, failed, left, lambda within: queue.enqueue(within, jobs(made, to_make, left))
            )

        found = []
        for threads in (1, 8):
            rates: dict[str, list[float]] = {"bare": [], "same": [], "accept": []}
            for _ in range(3):
                for work in (bare, same, accept):
                    rates[work.__name__].append(_rate(work, threads, seconds / 3))
            one, other, third = (
                statistics.median(rates[name]) for name in ("accept", "bare", "same")
            )
            found.append(
                f"{threads} thread{'s' * (threads > 1)}: {one:.0f} a second, "
                f"{one / other:.2f} of {other:.0f} bare, "
                f"{one / third:.2f} of {third:.0f} with as many rows and commits"
            )
        engine.dispose()
        rig.tell(f"accepts (two calls each), {database}", "; ".join(found), "accepts")


def _same(engine: sa.Engine) -> sa.Engine:
    return engine


def _as_the_shop(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _rate(work: Callable[[], None], threads: int, seconds: float) -> float:
    end, counts, failed = time.monotonic() + seconds, [0] * threads, [0] * threads

    def repeat(number: int) -> None:
        while time.monotonic() < end:
            try:
                work()
            except sa.exc.SQLAlchemyError:
                failed[number] += 1
            else:
                counts[number] += 1

    began = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(repeat, range(threads)))
    if any(failed):
        print(f"{sum(failed)} of {sum(counts) + sum(failed)} failed", file=sys.stderr)
    return sum(counts) / (time.monotonic() - began)


def slow(rig: Rig) -> None:
    """Product pages while 32 shoppers sign up, with a slow Klaviyo and with a quick one."""
    rounds, seconds = (1, 5.0) if rig.quick else (3, 10.0)
    shop = rig.shop("SQLite")
    p99s: dict[float, list[float]] = {0.06: [], 3.0: []}
    for number in range(rounds):
        for delay in p99s:
            # a breaker that has opened in one round must not spare the next
            with shop.web():
                rig.klaviyo.be(delay=delay)
                stop = threading.Event()

                def shopper(which: int, delay: float = delay, number: int = number) -> None:
                    count = 0
                    while not stop.is_set():
                        shop.sign_up(f"slow{number}x{delay}x{which}x{count}@example.org")
                        count += 1
                        stop.wait(1.0)

                shoppers = [threading.Thread(target=shopper, args=(which,)) for which in range(32)]
                for each in shoppers:
                    each.start()
                with requests.Session() as session:
                    times, end = [], time.monotonic() + seconds
                    while time.monotonic() < end:
                        began = time.monotonic()
                        session.get(shop.page, timeout=30).raise_for_status()
                        times.append(time.monotonic() - began)
                        time.sleep(0.01)
                stop.set()
                for each in shoppers:
                    each.join()
                p99s[delay].append(statistics.quantiles(times, n=100)[98] * 1000)
                rig.klaviyo.be()
    quick, held = (statistics.median(p99s[delay]) for delay in (0.06, 3.0))
    rig.tell(
        "product pages' p99, Klaviyo in 3 s against 60 ms, 32 shoppers, 8 threads",
        f"{held:.0f} ms against {quick:.0f} ms: {held / quick:.2f} (at most 1.5)",
        "slow",
    )


PARTS = {part.__name__: part for part in (kills, outage, limits, accepts, slow)}


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter")
    parser.add_argument("--only", choices=PARTS, action="append", help="one of the rows")
    asked = parser.parse_args()
    # a folder that PostgreSQL's own user can reach
    folder = Path(tempfile.mkdtemp(prefix="bench-delivery-"))
    folder.chmod(0o755)
    rig = Rig(folder, asked.quick)
    print("| what | found | command |\n|---|---|---|", flush=True)
    try:
        for name in asked.only or PARTS:
            PARTS[name](rig)
    finally:
        rig.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
