"""What a shopper's browser loads, by brotli, beside what others weigh."""

from __future__ import annotations

import brotli
import requests

from tests.audit.lighthouse import shop
from tests.audit.tools import say
from tests.pages import PARKA, form_path
from tests.support import TIMEOUT

BUDGETS = {"script": 3000, "style": 2000}
ANCHORS = {
    "a11y-dialog, a dialog and no more": 1_606,
    "micromodal, a dialog and no more": 2_708,
    "Shopify's line for a theme extension's script": 10_000,
    "intl-tel-input, without its utilities": 15_377,
    "libphonenumber-js, its smallest bundle": 35_130,
}
"""Bytes by brotli of the published packages, November 2026."""


def audit() -> list[str]:
    """Print the sizes in bytes; returns which budgets are broken."""
    with shop() as url:
        fragment = {"X-Notify-Me": "1"}
        kit = f"{url}/notify-me/static/notify-me"
        sizes = {
            "script": _size(f"{kit}.js"),
            "style": _size(f"{kit}.css"),
            "form, fetched on demand": _size(url + form_path("HAAR-OIL-M"), fragment),
            "product page": _size(url + PARKA),
        }
    say(*(f"  {size:7,}  {name}" for name, size in sizes.items()))
    say("  beside:", *(f"  {size:7,}  {name}" for name, size in ANCHORS.items()))
    return [
        f"the {name} weighs {sizes[name]:,} bytes, more than {most:,}"
        for name, most in BUDGETS.items()
        if sizes[name] > most
    ]


def _size(url: str, headers: dict[str, str] | None = None) -> int:
    """What a server sends by brotli or, where it leaves that to a proxy, would send."""
    accept = {"Accept-Encoding": "br", **(headers or {})}
    with requests.get(url, headers=accept, stream=True, timeout=TIMEOUT) as reply:
        reply.raise_for_status()
        sent = reply.raw.read(decode_content=False)
        packed = reply.headers.get("Content-Encoding") == "br"
        return len(sent) if packed else len(brotli.compress(sent))
