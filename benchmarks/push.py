"""Benchmark of `flask storefront push-catalog`: `make bench-push`.

It runs the command for a shop with N variants (four per product) on SQLite: first with an empty
catalog in Klaviyo, then again without changes. For a large shop, it also kills the command halfway
and runs it again. The sandbox stands in for Klaviyo; unlike Klaviyo, it finishes jobs immediately.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests
import sqlalchemy as sa

from app import create_app
from benchmarks.delivery import ROOT, free_port, wait_for
from klaviyo_sandbox import make_account
from notify_me import InventoryPolicy
from storefront import db
from storefront.base.models import Product, ProductOption, ProductVariant

WRITES_PER_MINUTE = 750
"""Klaviyo's rate limit for catalog writes."""


@contextmanager
def running_sandbox() -> Iterator[dict[str, str]]:
    """Run the sandbox; yield the environment variables for a shop that uses it."""
    account, port = make_account(), free_port()
    keys = {
        "KLAVIYO_PUBLIC_KEY": account.public_key,
        "KLAVIYO_PRIVATE_KEY": account.private_key,
        "KLAVIYO_LIST_ID": account.list_id,
    }
    command = [sys.executable, "-m", "benchmarks.klaviyo", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **keys}, stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: requests.get(f"{url}/_bench", timeout=5).ok)
            yield {**keys, "KLAVIYO_API_URL": url}
        finally:
            process.kill()


def fill(environ: Mapping[str, str], variants: int) -> None:
    """Create the shop's database with this number of variants."""
    app = create_app(environ)
    with app.app_context():
        app.extensions["alembic"].upgrade()
        for start in range(0, variants, 4):
            product = Product(
                handle=f"thing-{start}",
                title=f"Thing {start}",
                gloss="",
                category="home",
                summary="A product for the benchmark.",
                description=["A product for the benchmark."],
                details=[],
                tags=[],
                drawing="mug",
                colour="#336699",
                position=start,
                search_text="thing",
            )
            product.options = [ProductOption(name="Size", position=0, values=[])]
            product.variants = [
                ProductVariant(
                    sku=f"THING-{start}-{size}",
                    values=[size],
                    price=10,
                    quantity=start % 7,
                    policy=InventoryPolicy.DENY,
                    position=position,
                )
                for position, size in enumerate("SMLX")
            ]
            db.session.add(product)
        db.session.commit()
        print(f"{db.session.scalar(sa.select(sa.func.count(ProductVariant.id))):,} variants")
        db.engine.dispose()


def calls(url: str) -> Counter[str]:
    """Return the number of calls by HTTP method."""
    recorded = requests.get(f"{url}/_bench", timeout=30).json()
    return Counter(str(label).split()[0] for _, _, label in recorded)


def push(environ: Mapping[str, str], *, kill_at: int = 0) -> None:
    """Run the command and print its duration, peak memory and calls.

    `kill_at` is the number of writes after which the command is killed; 0 for never.
    """
    url = environ["KLAVIYO_API_URL"]
    before, began, peak = calls(url), time.monotonic(), 0
    command = [sys.executable, "-m", "flask", "storefront", "push-catalog"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        measured = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, measured.memory_info().rss)
            except psutil.Error:
                break
            if kill_at and (calls(url) - before)["POST"] >= kill_at:
                process.kill()
            time.sleep(0.05)
        output = process.stdout.read().strip() if process.stdout else ""
    duration, made = time.monotonic() - began, calls(url) - before
    print(f"  {duration:6.1f} s, {peak / 2**20:4.0f} MiB peak memory, {dict(made)}")
    print(f"  {output or 'killed'}")
    if made["POST"]:
        print(f"  writes: {made['POST'] / WRITES_PER_MINUTE:.1%} of Klaviyo's per-minute limit")


def main() -> None:
    """Run the benchmark for a small and a large shop; the arguments are numbers of variants."""
    # Alembic logs each migration
    logging.disable(logging.INFO)
    for variants in map(int, sys.argv[1:] or (500, 5000)):
        with tempfile.TemporaryDirectory() as folder, running_sandbox() as account:
            environ = {
                "SECRET_KEY": "s" * 32,
                "NOTIFY_ME_LOG_KEY": "l" * 32,
                "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
                "DATABASE_URL": f"sqlite:///{Path(folder) / 'shop.db'}",
                "SHOP_URL": "https://shop.example",
                **account,
            }
            fill(environ, variants)
            push(environ)
            print("  again, without changes:")
            push(environ)
            if variants < 5000:
                continue
            with running_sandbox() as other:
                print("  killed halfway, then run again:")
                push(environ | other, kill_at=variants // 200)
                push(environ | other)


if __name__ == "__main__":
    main()
