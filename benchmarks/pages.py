"""Benchmark of the shop's pages and sign-ups, part of `make bench`.

It compares them with bare Flask and with a hand-written page on the same server in the same run. It
reports CPU time, since elapsed time depends more on what else the machine is doing. To compare
machines, use the ratios.
"""

from __future__ import annotations

import logging
import os
import platform
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import unquote, urlencode

import psutil
import requests
import sqlalchemy as sa

from app import create_app
from benchmarks import hand_written
from benchmarks.push import running_sandbox
from benchmarks.servers import Server, requests_per_second, serving
from notify_me import Channel, CompositeID, InventoryPolicy
from notify_me.klaviyo.calls import SignUp, build_calls
from notify_me.klaviyo.client import Deadline, Klaviyo
from storefront import db
from storefront.base.models import Product, ProductOption, ProductVariant

QUICK = bool(os.environ.get("QUICK"))
REQUESTS = 300 if QUICK else 2000
WARM_UP_REQUESTS = 20
SMALL = 50
VARIANTS = (SMALL, 100_000) if QUICK else (SMALL, 500, 100_000)
"""50 variants are 5 products, too few to fill a page of the listing; 500 fill several pages."""
CLIENTS = 8
SIGN_UPS = 30 if QUICK else 200
"""How many sign-ups are compared with their calls to Klaviyo."""
LATENCY_REQUESTS = 1000 if QUICK else 4000
"""The number of requests from which a 99th percentile is computed."""
RATE_SECONDS = 2 if QUICK else 15
"""Seconds during which requests are counted."""
WARM_UP_SECONDS = 1
KLAVIYO_SECONDS = 0.06
"""Klaviyo's usual response time in seconds."""
SIZES = (("S", "M", "L", "XL", "XXL"), ("Red", "Blue"))
GUNICORN = ["-m", "gunicorn", "--config", "gunicorn.conf.py"]
FRAGMENT = {"X-Notify-Me": "1"}


@dataclass(frozen=True)
class Request:
    """A request to measure."""

    name: str
    path: str
    headers: dict[str, str]
    sign_up: bool = False
    divisor: int = 1
    """The request is sent `REQUESTS // divisor` times."""


def fill(environ: dict[str, str], variants: int) -> None:
    """Create the shop's database, with ten variants for each product, one of which is sold out."""
    app = create_app(environ)
    values = [(size, colour) for colour in SIZES[1] for size in SIZES[0]]
    with app.app_context():
        app.extensions["alembic"].upgrade()
        for first in range(1, variants // 10 + 1, 1000):
            ids = range(first, min(first + 1000, variants // 10 + 1))
            products = [
                {
                    "id": number,
                    "handle": f"thing-{number}",
                    "title": f"Thing {number}",
                    "gloss": "a thing",
                    "category": ("wear", "carry", "camp", "home")[number % 4],
                    "summary": f"Thing number {number}",
                    "description": ["A thing. " * 30],
                    "details": ["one", "two"],
                    "tags": ["new"],
                    "drawing": "parka",
                    "colour": "#e3a917",
                    "position": number,
                    "search_text": f"thing {number}",
                }
                for number in ids
            ]
            options = [
                {
                    "product_id": number,
                    "name": name,
                    "position": position,
                    "values": [{"name": value, "swatch": None} for value in SIZES[position]],
                }
                for number in ids
                for position, name in enumerate(("Size", "Colour"))
            ]
            rows = [
                {
                    "product_id": number,
                    "sku": f"T{number}-{size}-{colour}",
                    "external_id": f"T{number}-{size}-{colour}",
                    "position": position,
                    "values": [size, colour],
                    "price": Decimal(10),
                    "quantity": 5 if position else 0,
                    "policy": InventoryPolicy.DENY,
                }
                for number in ids
                for position, (size, colour) in enumerate(values)
            ]
            for model, items in (
                (Product, products),
                (ProductOption, options),
                (ProductVariant, rows),
            ):
                db.session.execute(sa.insert(model), items)
        db.session.commit()
        db.engine.dispose()


def send(connection: HTTPConnection, request: Request, number: int) -> float:
    """Send one request, and return how many seconds the response took."""
    start = time.perf_counter()
    if request.sign_up:
        body = urlencode({"channels": "EMAIL", "email": f"shopper{number}@example.org"})
        headers = request.headers | {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", request.path, body, headers)
    else:
        connection.request("GET", request.path, headers=request.headers)
    response = connection.getresponse()
    response.read()
    expected = 304 if "If-None-Match" in request.headers else 200
    if response.status != expected:
        raise SystemExit(f"{request.name}: {request.path} returned {response.status}")
    return time.perf_counter() - start


def cpu_seconds(server: Server) -> float:
    """Return the CPU time that the server's processes have used."""
    process = psutil.Process(server.process.pid)
    times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def cpu_per_request(server: Server, request: Request) -> float:
    """Return the milliseconds of CPU that a request takes, with two clients."""
    count = REQUESTS // request.divisor

    def client(numbers: range) -> None:
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
            for number in numbers:
                send(connection, request, number)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(client, (range(WARM_UP_REQUESTS), range(1000, 1000 + WARM_UP_REQUESTS))))
        before = cpu_seconds(server)
        list(
            threads.map(
                client, (range(10_000, 10_000 + count // 2), range(20_000, 20_000 + count // 2))
            )
        )
        return (cpu_seconds(server) - before) / count * 1000


def p99_to_median(server: Server, request: Request) -> float:
    """Return the 99th percentile of response times as a multiple of the median."""

    def client(_number: int) -> list[float]:
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
            return [send(connection, request, 0) for _ in range(LATENCY_REQUESTS // CLIENTS)]

    with ThreadPoolExecutor(CLIENTS) as threads:
        seconds = [x for part in threads.map(client, range(CLIENTS)) for x in part]
    return statistics.quantiles(seconds, n=100)[98] / statistics.median(seconds)


def sign_up_overhead(server: Server, request: Request, keys: dict[str, str]) -> float:
    """Return how many milliseconds longer a sign-up takes than its call to Klaviyo alone, with a
    single client.
    """
    variant = CompositeID.parse(unquote(request.path.removeprefix("/notify-me/")))
    klaviyo = Klaviyo(api_url=keys["KLAVIYO_API_URL"], private_key=keys["KLAVIYO_PRIVATE_KEY"])
    calls, sign_ups = [], []
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        for number in range(30_000, 30_000 + SIGN_UPS):
            email = f"directly{number}@example.org"
            [call] = build_calls(SignUp((variant,), (Channel.EMAIL,), email=email), "api")
            start = time.perf_counter()
            klaviyo.send(call, deadline=Deadline(5))
            calls.append(time.perf_counter() - start)
            sign_ups.append(send(connection, request, number))
    return (statistics.median(sign_ups) - statistics.median(calls)) * 1000


def shop_requests(server: Server, variants: int) -> list[Request]:
    """Return the requests to measure."""
    number = variants // 20
    product = f"/products/thing-{number}?variant=T{number}-S-Red"
    page = requests.get(f"http://127.0.0.1:{server.port}{product}", timeout=30)
    match = re.search(r'href="(/notify-me/[^"?]+)"[^>]*rel="nofollow"', page.text)
    if match is None:
        raise SystemExit("the product page has no button")
    form = unescape(match[1])
    revalidating = {"If-None-Match": page.headers["ETag"]}
    small = variants <= 500
    return [
        Request("product page", product, {}),
        Request("product page, 304", product, revalidating),
        Request("product page, visitor with a cart", product, {"Cookie": "shop_cart=none"}),
        Request("listing", "/", {}),
        Request("listing, visitor with a cart", "/", {"Cookie": "shop_cart=none"}),
        Request("category", "/?category=wear", {}),
        Request("search", "/?q=thing", {}),
        Request("listing, sorted by price", "/?sort=price-up", {}),
        Request("form as a fragment", form, FRAGMENT),
        Request("form as a page", form, {}),
        *([Request("feed for Klaviyo", "/feeds/catalog.json", {}, divisor=20)] if small else []),
        Request("sign-up", form, FRAGMENT, sign_up=True, divisor=4),
    ]


@contextmanager
def running_shop(folder: Path, variants: int, keys: dict[str, str]) -> Iterator[Server]:
    """Run a shop with this number of variants. Shops with the same number share a database."""
    database = folder / f"shop{variants}.db"
    environ = environment(folder) | keys | {"DATABASE_URL": f"sqlite:///{database}"}
    if not database.exists():
        fill(environ, variants)
    with serving([*GUNICORN, "app:create_app()"], environ) as server:
        yield server


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a shop that isn't a demo."""
    dropped_prefixes = ("KLAVIYO_", "NOTIFY_ME_", "FLASK_")
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith(dropped_prefixes)
        },
        "DEMO": "0",
        "SECRET_KEY": "s" * 32,
        "SHOP_URL": "http://127.0.0.1",
        "RATELIMIT_ENABLED": "0",
        "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
        "DATABASE_URL": f"sqlite:///{folder}/none.db",
        "HAND_WRITTEN_DATABASE": f"{folder}/hand-written.db",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }


def main() -> None:
    """Print the table."""
    # Alembic logs each migration
    logging.disable(logging.INFO)
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} × {processor()}, Python", end=" ")
    print(f"{platform.python_version()}, load {os.getloadavg()[0]:.1f}, {REQUESTS} requests\n")
    with tempfile.TemporaryDirectory() as name, running_sandbox() as keys:
        folder = Path(name)
        os.environ["HAND_WRITTEN_DATABASE"] = environment(folder)["HAND_WRITTEN_DATABASE"]
        hand_written.fill()
        configure_sandbox(keys, delay=KLAVIYO_SECONDS)
        arguments = [*GUNICORN, "benchmarks.hand_written:app"]
        # with the keys, since gunicorn.conf.py checks the shop's settings
        with serving(arguments, environment(folder) | keys) as server:
            compare(server, folder, keys)


def configure_sandbox(keys: dict[str, str], **options: object) -> None:
    """Set `delay` (seconds) and `unavailable` in `benchmarks.klaviyo`; an omitted option is turned
    off.
    """
    url = f"{keys['KLAVIYO_API_URL']}/_bench"
    requests.post(url, json=options, timeout=5).raise_for_status()


def compare(baseline: Server, folder: Path, keys: dict[str, str]) -> None:
    """Print how much CPU time the shop's pages and the hand-written ones take."""
    hello = Request("bare Flask", "/", {})
    by_hand = Request("hand-written page, with two queries", "/queries", {})
    flask = cpu_per_request(baseline, hello)
    queries = cpu_per_request(baseline, by_hand)
    constant = cpu_per_request(baseline, Request("constant", "/constant", {}))
    print("| Variants | Page | × hand-written | × bare Flask | ms of CPU |")
    print("|--:|---|--:|--:|--:|")
    for name, milliseconds in (
        (hello.name, flask),
        ("hand-written page, with constant data", constant),
        (by_hand.name, queries),
    ):
        print(f"| | {name} | {milliseconds / queries:.1f} | {milliseconds / flask:.1f} ", end="")
        print(f"| {milliseconds:.2f} |")

    def print_row(variants: int, server: Server, request: Request) -> None:
        # measured one right after another: on a busy machine, CPU times vary from minute to minute
        flask, milliseconds, queries = (
            cpu_per_request(baseline, hello),
            cpu_per_request(server, request),
            cpu_per_request(baseline, by_hand),
        )
        print(f"| {variants:,} | {request.name} | {milliseconds / queries:.1f} ", end="")
        print(f"| {milliseconds / flask:.1f} | {milliseconds:.2f} |", flush=True)

    for variants in VARIANTS:
        with running_shop(folder, variants, keys) as server:
            for request in shop_requests(server, variants):
                print_row(variants, server, request)
                if variants == SMALL and request.name == "product page":
                    tails = p99_to_median(server, request), p99_to_median(baseline, by_hand)
                if variants == SMALL and request.sign_up:
                    added = sign_up_overhead(server, request, keys)
                    configure_sandbox(keys, unavailable=True)
                    print_row(variants, server, replace(request, name="sign-up that is queued"))
                    configure_sandbox(keys, delay=KLAVIYO_SECONDS)
    with running_shop(folder, SMALL, keys | {"NOTIFY_ME_MODE": "client"}) as server:
        [sign_up] = [request for request in shop_requests(server, SMALL) if request.sign_up]
        print_row(SMALL, server, replace(sign_up, name="sign-up, client mode: the form's response"))
    print(
        f"\nWith {CLIENTS} clients, the 99th percentile is {tails[0]:.1f} times",
        end=" ",
    )
    print(f"the median for the product page, and {tails[1]:.1f} times for the hand-written page.")
    print(f"A sign-up takes {added:.1f} ms longer than its call to Klaviyo alone.")
    print(f"Two web processes serve {two_process_speedup(folder, keys):.1f} times", end=" ")
    print("as many product pages per second as one; the clients run on the same cores.")


def two_process_speedup(folder: Path, keys: dict[str, str]) -> float:
    """Return the product pages per second of two web processes, divided by those of one."""
    with (
        running_shop(folder, SMALL, keys) as one_process,
        running_shop(folder, SMALL, keys | {"WEB_CONCURRENCY": "2"}) as two_processes,
    ):
        page = shop_requests(one_process, SMALL)[0].path

        def rate(server: Server, seconds: float) -> float:
            return float(
                requests_per_second(server, seconds, lambda http, _: http.request("GET", page))
            )

        for server in (one_process, two_processes):
            # not measured: each process has to start and render the page once
            rate(server, WARM_UP_SECONDS)
        return rate(two_processes, RATE_SECONDS) / rate(one_process, RATE_SECONDS)


def processor() -> str:
    """Return the name of this machine's processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((x.partition(": ")[2] for x in lines if x.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
