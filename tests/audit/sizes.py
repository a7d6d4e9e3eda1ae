"""Download sizes with Brotli, compared with other libraries."""

from __future__ import annotations

import brotli
import requests

from tests.audit.lighthouse import shop
from tests.audit.tools import print_lines
from tests.pages import PARKA, form_path
from tests.support import TIMEOUT

BUDGETS = {"script": 4500, "style": 3000}
COMPARISONS = {
    "a11y-dialog": 1_606,
    "micromodal": 2_708,
    "Shopify's limit for a theme extension's script": 10_000,
    "intl-tel-input without utilities": 15_377,
    "libphonenumber-js, smallest bundle": 35_130,
}
"""Bytes with Brotli, November 2026."""


def audit() -> list[str]:
    """Print the sizes in bytes; return the budgets that are exceeded."""
    with shop() as url:
        fragment = {"X-Notify-Me": "1"}
        kit = f"{url}/notify-me/static/notify-me"
        sizes = {
            "script": _size(f"{kit}.js"),
            "style": _size(f"{kit}.css"),
            "form, fetched on demand": _size(url + form_path("HAAR-OIL-M"), fragment),
            "product page": _size(url + PARKA),
        }
    print_lines(*(f"  {size:7,}  {name}" for name, size in sizes.items()))
    print_lines(
        "  for comparison:", *(f"  {size:7,}  {name}" for name, size in COMPARISONS.items())
    )
    return [
        f"the {name} is {sizes[name]:,} bytes; the budget is {budget:,}"
        for name, budget in BUDGETS.items()
        if sizes[name] > budget
    ]


def _size(url: str, headers: dict[str, str] | None = None) -> int:
    """Return the size of a response with Brotli, compressing it if the server doesn't."""
    accept = {"Accept-Encoding": "br", **(headers or {})}
    with requests.get(url, headers=accept, stream=True, timeout=TIMEOUT) as reply:
        reply.raise_for_status()
        sent = reply.raw.read(decode_content=False)
        compressed = reply.headers.get("Content-Encoding") == "br"
        return len(sent) if compressed else len(brotli.compress(sent))
