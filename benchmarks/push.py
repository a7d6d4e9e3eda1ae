"""What pushing a catalog costs: `make bench-push`.

A shop of N variants, four to a product, on SQLite; `flask storefront push-catalog` as a process of
its own, three times: into an empty catalog, again, and after being killed half-way into another.
Klaviyo is the sandbox in a process of its own, which answers a job at once: real jobs take longer.
"""

from __future__ import annotations

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

PER_MINUTE = 750
"""Writes that Klaviyo's catalog takes in a minute."""


@contextmanager
def klaviyo() -> Iterator[dict[str, str]]:
    """The sandbox; yields the environment that points a shop at it."""
    account, port = make_account(), free_port()
    given = {
        "KLAVIYO_PUBLIC_KEY": account.public_key,
        "KLAVIYO_PRIVATE_KEY": account.private_key,
        "KLAVIYO_LIST_ID": account.list_id,
    }
    command = [sys.executable, "-m", "benchmarks.klaviyo", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **given}, stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: requests.get(f"{url}/_bench", timeout=5).ok)
        yield {**given, "KLAVIYO_API_URL": url}
        process.kill()


def fill(environ: Mapping[str, str], variants: int) -> None:
    """Make the shop's database with so many variants."""
    app = create_app(environ)
    with app.app_context():
        app.extensions["alembic"].upgrade()
        for start in range(0, variants, 4):
            product = Product(
                handle=f"thing-{start}",
                title=f"Thing {start}",
                gloss="",
                category="home",
                summary="A thing among many, for measuring.",
                description=["It is what it is."],
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
                    position=place,
                )
                for place, size in enumerate("SMLX")
            ]
            db.session.add(product)
        db.session.commit()
        print(f"{db.session.scalar(sa.select(sa.func.count(ProductVariant.id))):,} variants")
        db.engine.dispose()


def calls(url: str) -> Counter[str]:
    """How many calls of each method have come."""
    found = requests.get(f"{url}/_bench", timeout=30).json()
    return Counter(str(what).split()[0] for _, _, what in found)


def push(environ: Mapping[str, str], *, kill_at: int = 0) -> None:
    """Run the command; print its time, its calls and its largest memory. `kill_at`: writes."""
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
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, watched.memory_info().rss)
            except psutil.Error:
                break
            if kill_at and (calls(url) - before)["POST"] >= kill_at:
                process.kill()
            time.sleep(0.05)
        told = process.stdout.read().strip() if process.stdout else ""
    took, made = time.monotonic() - began, calls(url) - before
    print(f"  {took:6.1f} s, {peak / 2**20:4.0f} MiB at most, {dict(made)}")
    print(f"  {told or 'killed'}")
    if made["POST"]:
        print(f"  writes: {made['POST'] / PER_MINUTE:.1%} of what a minute takes")


def main() -> None:
    """Measure a small and a large shop."""
    for variants in (500, 5000):
        with tempfile.TemporaryDirectory() as folder, klaviyo() as account:
            environ = {
                "SECRET_KEY": "s" * 32,
                "NOTIFY_ME_LOG_KEY": "l" * 32,
                "DATABASE_URL": f"sqlite:///{Path(folder) / 'shop.db'}",
                "SHOP_URL": "https://shop.example",
                **account,
            }
            fill(environ, variants)
            push(environ)
            print("  again:")
            push(environ)
            if variants < 5000:
                continue
            with klaviyo() as other:
                print("  killed half-way, and run again:")
                push(environ | other, kill_at=variants // 200)
                push(environ | other)


if __name__ == "__main__":
    main()
