"""Benchmark of `flask storefront import-catalog`: `make bench-import`.

It writes a Shopify export with N variants (four per product, each product with a description and
four pictures), imports it into an empty shop on SQLite, and reports CPU time and memory.
"""

from __future__ import annotations

import csv
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.delivery import ROOT

LIMITS = {"CPU seconds": 20.0, "MB of memory": 150.0}
"""The limits for 80,000 variants."""
HEADER = (
    *("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name"),
    *("Option1 Value", "Variant SKU", "Variant Grams", "Variant Inventory Tracker"),
    *("Variant Inventory Qty", "Variant Inventory Policy", "Variant Price", "Image Src"),
    *("Image Position", "Status"),
)
WORDS = ("soft", "wool", "cotton", "linen", "warm", "light", "classic", "coat", "bag", "café")


def write_export(path: Path, variants: int) -> None:
    """Write a product export with this number of variants."""
    generator = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER, restval="")
        writer.writeheader()
        for product in range(variants // 4):
            text = "".join(f"<p>{' '.join(generator.choices(WORDS, k=40))}</p>" for _ in range(2))
            first = {
                "Title": f"Product {product}",
                "Body (HTML)": f"<h2>About</h2>{text}<ul><li>One</li><li>Two</li></ul>",
                "Vendor": f"Vendor {product % 7}",
                "Type": f"Type {product % 9}",
                "Tags": "new, winter, sale",
                "Published": "true",
                "Option1 Name": "Size",
                "Status": "active",
            }
            for position, size in enumerate(("S", "M", "L", "XL"), 1):
                writer.writerow(
                    {
                        "Handle": f"product-{product}",
                        "Option1 Value": size,
                        "Variant SKU": f"SKU-{product}-{size}",
                        "Variant Grams": 100,
                        "Variant Inventory Tracker": "shopify",
                        "Variant Inventory Qty": generator.randint(0, 9),
                        "Variant Inventory Policy": "deny",
                        "Variant Price": "19.90",
                        "Image Src": f"https://cdn.example.com/{product}-{position}.jpg",
                        "Image Position": position,
                        **(first if position == 1 else {}),
                    }
                )


def run(environ: dict[str, str], *arguments: str) -> tuple[float, float, float]:
    """Run a `flask` command; return CPU seconds, elapsed seconds, and peak memory in MB."""
    command = [sys.executable, "-m", "flask", *arguments]
    started, peak = time.perf_counter(), 0.0
    before = os.times()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        memory = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, memory.memory_info().rss / 1024**2)
            except psutil.NoSuchProcess:
                break
            time.sleep(0.05)
    after = os.times()
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed")
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return cpu, time.perf_counter() - started, peak


def main() -> None:
    """Run the benchmark; the argument is the number of variants."""
    variants = int(sys.argv[1]) if len(sys.argv) > 1 else 80_000
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder, "products_export.csv")
        write_export(export, variants)
        environ = {
            "DATABASE_URL": f"sqlite:///{folder}/shop.db",
            "SECRET_KEY": secrets.token_hex(),
            "KLAVIYO_PRIVATE_KEY": "pk_benchmark",
        }
        run(environ, "db", "upgrade")
        *_, idle = run(environ, "storefront", "--help")
        cpu, seconds, peak = run(
            environ, "storefront", "import-catalog", str(export), "--link-pictures"
        )
        print(
            f"{variants:,} variants, {export.stat().st_size / 1024**2:.0f} MB: {cpu:.1f} s of CPU, "
            f"{seconds:.1f} s elapsed, {peak:.0f} MB of memory ({idle:.0f} MB without an import)"
        )
    if variants == 80_000 and (cpu > LIMITS["CPU seconds"] or peak > LIMITS["MB of memory"]):
        sys.exit("over the limits")


if __name__ == "__main__":
    main()
