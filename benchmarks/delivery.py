"""Benchmarks of delivery: `make bench-delivery`.

`--quick` sends fewer requests and simulates a shorter outage; `--only NAME` runs one benchmark. The
web process is the starter shop under gunicorn with eight threads. A sandbox in a separate process
replaces Klaviyo. PostgreSQL is a temporary cluster with durable writes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import requests
import sqlalchemy as sa

from klaviyo_sandbox import make_account
from notify_me import CompositeID
from notify_me.channels import Channel
from notify_me.database import create_engine
from notify_me.delivery.queue import Queue, jobs
from notify_me.klaviyo.calls import Consent, Operation, SignUp, Statement, build_calls
from notify_me.klaviyo.outcomes import KlaviyoResponse, Temporary
from notify_me.settings import Delivery
from notify_me.store.logged import LoggedSignUp
from notify_me.store.sign_up_log import SignUpLog
from tests.notify_me.running_shop import Postgres, people, postgres_binaries

ROOT = Path(__file__).parents[1]
WAIT_TIMEOUT = 900
"""Seconds after which `wait_for` stops the benchmark."""


def wait_for(condition: Callable[[], Any]) -> Any:
    """Poll `condition` until it returns a true value, and return that value."""
    end = time.monotonic() + WAIT_TIMEOUT
    while time.monotonic() < end:
        with suppress(requests.RequestException):
            if value := condition():
                return value
        time.sleep(0.05)
    raise SystemExit(f"timed out after {WAIT_TIMEOUT} s")


def free_port() -> int:
    """Return a port that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class SandboxClient:
    """A client of the sandbox that `benchmarks.klaviyo` serves."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def configure(self, **options: Any) -> None:
        """Set `delay` (seconds) and `unavailable`; an omitted option is turned off.

        `reset` deletes the recorded calls.
        """
        self._session.post(f"{self.url}/_bench", json=options, timeout=30).raise_for_status()

    def calls(self) -> list[tuple[float, str, str]]:
        """Return the time of arrival, the status and the label of every call. A sign-up is labelled
        with its email address, any other call with its method and path.
        """
        recorded: list[tuple[float, str, str]]
        recorded = self._session.get(f"{self.url}/_bench", timeout=30).json()
        return recorded

    def accepted(self) -> set[str]:
        """Return the email addresses whose sign-ups were accepted."""
        return {email for _, status, email in self.calls() if status in ("202", "409")}


class Shop:
    """A shop that uses the sandbox and has its own database."""

    def __init__(
        self, folder: Path, klaviyo: SandboxClient, environ: dict[str, str], url: str
    ) -> None:
        self.folder = folder
        self.klaviyo = klaviyo
        self.ports = [free_port() for _ in range(2)]
        self.url = f"http://127.0.0.1:{self.ports[0]}"
        self.environ = {**environ, "DATABASE_URL": url}
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        self._flask("db", "upgrade")
        self._flask("storefront", "load")
        query = "SELECT sku FROM shop_variant WHERE quantity = 0 ORDER BY id LIMIT 1"
        with self.engine.connect() as connection:
            sku = connection.execute(sa.text(query)).scalar_one()
            product = (
                connection.execute(sa.text("SELECT handle FROM shop_product")).scalars().first()
            )
        self.variant = f"$custom:::$default:::{sku}"
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
    def web(self, number: int = 0) -> Iterator[Any]:
        """Run a web process of the shop on `ports[number]`."""
        port = self.ports[number]
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
        command.append("app:create_app()")
        with self._process(command, f"web{number}", PORT=str(port)) as process:
            wait_for(lambda: requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok)
            yield process

    @contextmanager
    def worker(self, machine: str = "machine") -> Iterator[Any]:
        """Run a worker on a simulated machine."""
        folder = str(self.folder / machine)
        command = self._command("notify-me", "deliver")
        with self._process(command, machine, NOTIFY_ME_WORKER_FOLDER=folder) as process:
            yield process

    def sign_up(self, email: str, port: int | None = None) -> bool:
        """Sign up; return whether the shopper saw a confirmation."""
        url = f"http://127.0.0.1:{port or self.ports[0]}/notify-me/{self.variant}"
        with suppress(requests.RequestException, ValueError):
            reply = requests.post(
                url,
                data={"channels": "EMAIL", "email": email},
                headers={"X-Notify-Me": "1"},
                timeout=30,
            )
            return bool(reply.json()["state"] == "done")
        return False

    def sign_up_all(self, emails: Sequence[str], ports: Sequence[int | None] = (None,)) -> set[str]:
        """Sign up all email addresses, using the web processes' ports in turn. Return the addresses
        whose sign-ups were confirmed.
        """
        with ThreadPoolExecutor(8) as pool:
            confirmed = pool.map(self.sign_up, emails, itertools.cycle(ports))
            return {email for email, ok in zip(emails, confirmed, strict=False) if ok}

    def queued(self, operation: str = "%") -> int:
        """Return the number of queued calls, of one operation or of all."""
        query = (
            "SELECT count(*) FROM notify_me_call WHERE state = 'queued' AND operation LIKE :name"
        )
        with self.engine.connect() as connection:
            return int(connection.execute(sa.text(query), {"name": operation}).scalar_one())


class Setup:
    """The sandbox, PostgreSQL and the shops that the benchmarks use."""

    def __init__(self, folder: Path, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        account, port = make_account(), free_port()
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("KLAVIYO")
        }
        self.environ = {
            **inherited,
            "DEMO": "0",
            "KLAVIYO_API_URL": f"http://127.0.0.1:{port}",
            "KLAVIYO_PRIVATE_KEY": account.private_key,
            "KLAVIYO_PUBLIC_KEY": account.public_key,
            "KLAVIYO_LIST_ID": account.list_id,
            "NOTIFY_ME_LOG_KEY": "l" * 32,
            "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
            "SECRET_KEY": "s" * 32,
            "RATELIMIT_ENABLED": "0",
            "HOST": "127.0.0.1",
        }
        self.klaviyo = SandboxClient(self.environ["KLAVIYO_API_URL"])
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

    def _new_database(self, database: str) -> str:
        """Create an empty database and return its URL."""
        self._count += 1
        if database == "SQLite":
            return f"sqlite:///{self.folder}/shop-{self._count}.db"
        if self._postgres is None:
            binaries = postgres_binaries()
            if binaries is None:
                raise SystemExit("PostgreSQL is missing: apt-get install postgresql")
            folder = self.folder / "postgres"
            folder.mkdir(mode=0o755)
            self._postgres = Postgres(binaries, folder, durable=True)
        return self._postgres.database(f"shop{self._count}")

    def shop(self, database: str) -> Shop:
        """Create a shop on a new database, and reset the sandbox."""
        url = self._new_database(database)
        folder = self.folder / f"shop-{self._count}"
        folder.mkdir()
        self.klaviyo.configure(reset=True)
        requests.post(f"{self.klaviyo.url}/_sandbox/reset", timeout=30).raise_for_status()
        return Shop(folder, self.klaviyo, self.environ, url)

    def report(self, benchmark: str, result: str, name: str) -> None:
        """Print one row of the table."""
        quick = " --quick" if self.quick else ""
        command = f"python -m benchmarks.delivery --only {name}{quick}"
        print(f"| {benchmark} | {result} | {command} |", flush=True)

    def close(self) -> None:
        """Stop the sandbox and PostgreSQL."""
        self._process.kill()
        self._process.wait()
        if self._postgres is not None:
            self._postgres.stop()


def count_repeats(klaviyo: SandboxClient) -> int:
    """Return how many accepted calls are repeats of an earlier call."""
    accepted = Counter(email for _, status, email in klaviyo.calls() if status in ("202", "409"))
    return sum(count - 1 for count in accepted.values())


def most_calls_within(times: Sequence[float], seconds: float) -> int:
    """Return the largest number of calls in any window of `seconds`."""
    times, start, most = sorted(times), 0, 0
    for end, moment in enumerate(times):
        while times[start] <= moment - seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


def kills(setup: Setup) -> None:
    """Kill two web processes and two workers at random times: no confirmed sign-up may be lost."""
    rounds, shoppers = 2 if setup.quick else 13, 60
    for database in ("SQLite", "PostgreSQL"):
        shop, generator = setup.shop(database), random.Random(20)
        confirmed: set[str] = set()
        killed = 0
        for number in range(rounds):
            # Klaviyo is down in every other round, so that both sending and queuing are interrupted
            setup.klaviyo.configure(unavailable=number % 2 == 0, delay=0.02)
            with ExitStack() as stack:
                processes = [
                    *(stack.enter_context(shop.worker(f"machine{index}")) for index in range(2)),
                    *(stack.enter_context(shop.web(index)) for index in range(2)),
                ]
                timers = [
                    threading.Timer(
                        generator.uniform(0.3, 2.5), os.killpg, (process.pid, signal.SIGKILL)
                    )
                    for process in processes
                ]
                for timer in timers:
                    timer.start()
                done = shop.sign_up_all(people(shoppers, f"kill{number}x"), shop.ports)
                confirmed |= done
                for timer in timers:
                    timer.join()
                killed += len(timers)
            with shop.web():
                confirmed |= shop.sign_up_all(
                    people(max(shoppers - len(done), 0), f"again{number}x")
                )
        setup.klaviyo.configure()
        with shop.worker():
            wait_for(lambda: not shop.queued())
        lost = len(confirmed - setup.klaviyo.accepted())
        setup.report(
            f"{killed} kill -9, {database}",
            f"{len(confirmed)} confirmed, {lost} lost, {count_repeats(setup.klaviyo)} repeated",
            "kills",
        )


def outage(setup: Setup) -> None:
    """Simulate a two-minute outage while shoppers keep signing up."""
    seconds, count = (10, 200) if setup.quick else (120, 2000)
    for database in ("SQLite", "PostgreSQL"):
        shop = setup.shop(database)
        setup.klaviyo.configure(unavailable=True)
        with shop.web(), shop.worker():
            began = time.monotonic()
            emails, confirmed = people(count), set[str]()
            while emails:
                # spread the sign-ups evenly over the outage
                share = max(1, int(count / seconds))
                confirmed |= shop.sign_up_all(emails[:share])
                emails = emails[share:]
                ahead = (count - len(emails)) / count * seconds - (time.monotonic() - began)
                time.sleep(max(ahead, 0))
            time.sleep(max(seconds - (time.monotonic() - began), 0))
            queued, recovered_at = shop.queued(), time.monotonic()
            setup.klaviyo.configure()
            wait_for(lambda: not shop.queued())
            drained = time.monotonic() - recovered_at
        lost = len(confirmed - setup.klaviyo.accepted())
        setup.report(
            f"outage of {seconds} s, {database}",
            f"{len(confirmed)} confirmed, {lost} lost; {queued} queued calls sent in "
            f"{drained:.0f} s ({queued / drained:.0f} per second; "
            f"limit {Delivery().back_in_stock_per_second})",
            "outage",
        )


def backlog(setup: Setup) -> None:
    """Send 10,000 sign-ups that were queued during an hour-long outage.

    One in five has marketing consent. The sign-ups are added directly to the queue, with the
    retry delays of calls that have been failing for an hour.
    """
    count = 400 if setup.quick else 10_000
    settings = Delivery()
    for database in ("SQLite", "PostgreSQL"):
        shop = setup.shop(database)
        engine = sa.create_engine(shop.engine.url)
        sa.event.listen(engine, "connect", _disable_sync)
        get_engine = partial(_identity, engine)
        log, queue = SignUpLog(get_engine, ["l" * 32]), Queue(get_engine)
        for number, email in enumerate(people(count)):
            _queue_after_failures(log, queue, setup, shop, email, with_consent=number % 5 == 0)
        engine.dispose()
        queued = {name: shop.queued(name) for name in Operation if shop.queued(name)}
        setup.klaviyo.configure(reset=True, unavailable=True)
        with shop.worker("one"), shop.worker("two"):
            # wait until both workers have noticed the outage, so that they must also notice its end
            wait_for(lambda: len(setup.klaviyo.calls()) > 40)
            setup.klaviyo.configure(reset=True)
            began, drained = time.monotonic(), dict[Operation, float]()
            while len(drained) < len(queued):
                for name in queued:
                    if name not in drained and not shop.queued(name):
                        drained[name] = time.monotonic() - began
                time.sleep(0.2)
        calls = setup.klaviyo.calls()
        throttled = sum(status == "429" for _, status, _ in calls)
        rates = "; ".join(
            f"{queued[name]} calls of {name} in {seconds:.0f} s ({queued[name] / seconds:.1f}/s)"
            for name, seconds in drained.items()
        )
        setup.report(
            f"backlog of {count} sign-ups, two workers, {database}",
            f"{rates}; {throttled} returned 429; limits {settings.back_in_stock_per_second} "
            f"and {settings.consent_per_second} per second",
            "backlog",
        )


def _queue_after_failures(
    log: SignUpLog, queue: Queue, setup: Setup, shop: Shop, email: str, *, with_consent: bool
) -> None:
    """Queue a sign-up as if its calls had been failing for an hour: each retry is due at a random
    time within the longest retry delay.
    """
    consent = None
    if with_consent:
        statement = Statement(Channel.EMAIL, "Send me offers.", "1", "en")
        consent = Consent((statement,), setup.environ["KLAVIYO_LIST_ID"], "benchmark")
    variant = CompositeID.parse(shop.variant)
    sign_up = SignUp((variant,), (Channel.EMAIL,), email, consent=consent)
    calls = build_calls(sign_up, "api")
    sign_up_id, positions = log.start(sign_up, calls, "server"), range(len(calls))
    failed = [Temporary(KlaviyoResponse(503), "", "returned 503")] * len(calls)

    def enqueue(connection: sa.Connection) -> None:
        for job in jobs(sign_up_id, calls, positions):
            longest = Delivery().longest_retry
            queue.enqueue(connection, [replace(job, failures=12)], delay=random.uniform(0, longest))

    logged = LoggedSignUp.from_outcomes(sign_up, calls, failed, positions)
    log.record_outcomes(sign_up_id, logged, failed, enqueue)


def limits(setup: Setup) -> None:
    """Measure how fast two workers on two machines send the calls from one PostgreSQL queue."""
    count = 400 if setup.quick else 3000
    shop = setup.shop("PostgreSQL")
    setup.klaviyo.configure(unavailable=True)
    with shop.web():
        confirmed = shop.sign_up_all(people(count))
    setup.klaviyo.configure(reset=True)
    with shop.worker("one"), shop.worker("two"):
        wait_for(lambda: not shop.queued())
    recorded = setup.klaviyo.calls()
    times = [moment for moment, _, _ in recorded]
    throttled = sum(status == "429" for _, status, _ in recorded)
    setup.report(
        f"two workers, {len(confirmed)} calls, PostgreSQL",
        f"at most {most_calls_within(times, 1)} calls per second (Klaviyo's limit: 350) and "
        f"{most_calls_within(times, 60)} per minute (3,500); {throttled} returned 429; "
        f"{len(confirmed - setup.klaviyo.accepted())} lost, "
        f"{count_repeats(setup.klaviyo)} repeated",
        "limits",
    )


def accepts(setup: Setup) -> None:
    """Compare logging and queuing a sign-up with plain inserts into the same database.

    Accepting a sign-up takes two commits: one of three rows and one of six. `equal` makes two
    commits with the same numbers of plain rows; `single` commits one plain row.
    """
    seconds = 1.5 if setup.quick else 5.0
    sign_up = SignUp(
        (CompositeID("$custom", "$default", "MUG"), CompositeID("$custom", "$default", "CAP")),
        (Channel.EMAIL,),
        "shopper@example.org",
    )
    calls = build_calls(sign_up, "api")
    failed = [Temporary(KlaviyoResponse(503), "", "returned 503")] * len(calls)
    for database in ("SQLite",) if setup.quick else ("SQLite", "PostgreSQL"):
        shop = setup.shop(database)
        engine = create_engine(shop.engine.url.render_as_string(hide_password=False))
        log = SignUpLog(partial(_identity, engine), ["l" * 32])
        queue = Queue(partial(_identity, engine))
        table = sa.Table("plain", sa.MetaData(), sa.Column("body", sa.JSON))
        table.create(engine)

        def single(engine: sa.Engine = engine, table: sa.Table = table) -> None:
            with engine.begin() as connection:
                connection.execute(table.insert(), {"body": dict(calls[0].body)})

        def equal(engine: sa.Engine = engine, table: sa.Table = table) -> None:
            for count in (3, 6):
                with engine.begin() as connection:
                    connection.execute(table.insert(), [{"body": dict(calls[0].body)}] * count)

        def accept(log: SignUpLog = log, queue: Queue = queue) -> None:
            sign_up_id = log.start(sign_up, calls, "server")
            to_queue = range(len(calls))
            log.record_outcomes(
                sign_up_id,
                LoggedSignUp.from_outcomes(sign_up, calls, failed, to_queue),
                failed,
                lambda connection: queue.enqueue(connection, jobs(sign_up_id, calls, to_queue)),
            )

        results = []
        for threads in (1, 8):
            rates: dict[str, list[float]] = {"single": [], "equal": [], "accept": []}
            for _ in range(3):
                for work in (single, equal, accept):
                    rates[work.__name__].append(_rate(work, threads, seconds / 3))
            accept_rate, single_rate, equal_rate = (
                statistics.median(rates[name]) for name in ("accept", "single", "equal")
            )
            results.append(
                f"{threads} thread{'s' * (threads > 1)}: {accept_rate:.0f} per second, "
                f"{accept_rate / single_rate:.0%} of the rate of single inserts "
                f"({single_rate:.0f}), {accept_rate / equal_rate:.0%} of the rate of inserts "
                f"with the same number of rows and commits ({equal_rate:.0f})"
            )
        engine.dispose()
        setup.report(
            f"accepted sign-ups (two calls each), {database}", "; ".join(results), "accepts"
        )


def _identity(engine: sa.Engine) -> sa.Engine:
    return engine


def _disable_sync(connection: Any, _record: object) -> None:
    """Turn off synchronous writes on a new connection, to fill the database quickly."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")
    else:
        connection.execute("SET synchronous_commit = off")
        connection.commit()


def _rate(work: Callable[[], None], threads: int, seconds: float) -> float:
    """Call `work` repeatedly in several threads; return successful calls per second."""
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
        print(f"{sum(failed)} of {sum(counts) + sum(failed)} writes failed", file=sys.stderr)
    return sum(counts) / (time.monotonic() - began)


def slow(setup: Setup) -> None:
    """Measure the latency of product pages while 32 shoppers sign up, with Klaviyo fast or slow."""
    rounds, seconds = (1, 5.0) if setup.quick else (3, 10.0)
    shop = setup.shop("SQLite")
    p99s: dict[float, list[float]] = {0.06: [], 3.0: []}
    for number in range(rounds):
        for delay in p99s:
            # a restart closes the circuit breaker, which may have opened in the last round
            with shop.web():
                setup.klaviyo.configure(delay=delay)
                stop = threading.Event()

                def shopper(index: int, delay: float = delay, number: int = number) -> None:
                    count = 0
                    while not stop.is_set():
                        shop.sign_up(f"slow{number}x{delay}x{index}x{count}@example.org")
                        count += 1
                        stop.wait(1.0)

                shoppers = [threading.Thread(target=shopper, args=(index,)) for index in range(32)]
                for thread in shoppers:
                    thread.start()
                with requests.Session() as session:
                    times, end = [], time.monotonic() + seconds
                    while time.monotonic() < end:
                        began = time.monotonic()
                        session.get(shop.page, timeout=30).raise_for_status()
                        times.append(time.monotonic() - began)
                        time.sleep(0.01)
                stop.set()
                for thread in shoppers:
                    thread.join()
                p99s[delay].append(statistics.quantiles(times, n=100)[98] * 1000)
                setup.klaviyo.configure()
    fast, slowed = (statistics.median(p99s[delay]) for delay in (0.06, 3.0))
    setup.report(
        "p99 of product pages, Klaviyo responding in 3 s or 60 ms, 32 shoppers, 8 threads",
        f"{slowed:.0f} ms or {fast:.0f} ms: ratio {slowed / fast:.2f} (limit 1.5)",
        "slow",
    )


BENCHMARKS = {
    function.__name__: function for function in (kills, outage, backlog, limits, accepts, slow)
}


def main() -> None:
    """Run the benchmarks and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery")
    parser.add_argument("--quick", action="store_true", help="fewer requests, shorter outage")
    parser.add_argument(
        "--only", choices=BENCHMARKS, action="append", help="run only this benchmark (repeatable)"
    )
    arguments = parser.parse_args()
    # PostgreSQL's user must have access to the folder
    folder = Path(tempfile.mkdtemp(prefix="bench-delivery-"))
    folder.chmod(0o755)
    setup = Setup(folder, arguments.quick)
    print("| Benchmark | Result | Command |\n|---|---|---|", flush=True)
    try:
        for name in arguments.only or BENCHMARKS:
            BENCHMARKS[name](setup)
    finally:
        setup.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
