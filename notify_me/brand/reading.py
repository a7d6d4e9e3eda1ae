"""Read the account's brand with Klaviyo's Brands operations.

`Brand.button` and `Brand.email_body` are as Klaviyo returns them, unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..check.reader import failure, is_denied
from ..klaviyo.client import BrandPart, Deadline, Klaviyo, send_with_retries
from ..klaviyo.outcomes import KlaviyoResponse, attribute, mapping, objects

TIMEOUT = 10.0
"""Seconds for each of the four calls."""
ATTEMPTS = 3
MAX_RETRY_AFTER = 10.0
"""The longest Retry-After to wait for, in seconds."""
MAX_COLORS = 24
"""The maximum number of colours to read. A brand usually has a few."""
SCOPE = "brands:read"

_HEX = re.compile(r"#?((?:[0-9a-f]{3}){1,2})", re.IGNORECASE)


class BrandError(Exception):
    """The brand can't be read, or the account has none. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class Logo:
    """The first of a brand's logos that has an image."""

    url: str
    alt_text: str


@dataclass(frozen=True, slots=True)
class Brand:
    """The brand of an account. Parts that the account doesn't have are empty or None."""

    button: Mapping[str, Any] = field(default_factory=dict)
    """The attributes of the primary button: `style`, `border`, `spacing` and `text`."""
    email_body: Mapping[str, Any] = field(default_factory=dict)
    """The `body` attribute of the email defaults: colours, and the styles of text and headings."""
    colors: Mapping[str, str] = field(default_factory=dict)
    """The colours by name, such as `{"Poppy": "#f0592a"}`. All of them are valid."""
    name: str = ""
    logo: Logo | None = None


def read_brand(klaviyo: Klaviyo | None) -> Brand:
    """Read the brand of the account. `klaviyo` is None without a private key.

    Raises `BrandError` if the brand can't be read, or the account has none.
    """
    if klaviyo is None:
        raise BrandError("KLAVIYO_PRIVATE_KEY is not set: reading the brand requires a private key")
    buttons = _read(klaviyo, "button")
    defaults = _read(klaviyo, "email-default")
    palettes = _read(klaviyo, "color")
    logos = _read(klaviyo, "logo")
    primary = [item for item in buttons.resources if attribute(item, "is_primary") is True]
    first_palette = next(iter(palettes.resources), {})
    brand = Brand(
        button=next((mapping(item.get("attributes")) for item in primary or buttons.resources), {}),
        email_body=next((mapping(attribute(item, "body")) for item in defaults.resources), {}),
        colors=_colors(palettes),
        name=_line(attribute(first_palette, "name")),
        logo=_logo(logos),
    )
    if brand == Brand(name=brand.name):
        raise BrandError(
            "the account has no brand: add a button, colours or a logo in Klaviyo under "
            "Content > Images & brand, then try again"
        )
    return brand


def _read(klaviyo: Klaviyo, part: BrandPart) -> KlaviyoResponse:
    response = send_with_retries(
        lambda: klaviyo.get_brand(part, deadline=Deadline(TIMEOUT)),
        attempts=ATTEMPTS,
        max_wait=MAX_RETRY_AFTER,
    )
    if is_denied(response):
        raise BrandError(
            f"the private key lacks the {SCOPE} scope, which is needed only to read the brand: "
            "create a private key that also has this scope (docs/connect.md)"
        )
    if response.status == 401:
        raise BrandError("Klaviyo doesn't recognize the private key: correct KLAVIYO_PRIVATE_KEY")
    if response.status == 404:
        raise BrandError(
            "Klaviyo's Brands API isn't part of the revision in KLAVIYO_REVISION: remove this "
            "setting from the environment, or set 2026-10-15 or later"
        )
    if failed := failure(response):
        problem, remedy = failed
        raise BrandError(f"Klaviyo {problem}: {remedy}")
    if response.status != 200:
        raise BrandError(f"Klaviyo returned status {response.status}: try again")
    return response


def _colors(response: KlaviyoResponse) -> dict[str, str]:
    colors: dict[str, str] = {}
    for palette in response.resources:
        entries = attribute(palette, "colors")
        for entry in entries if isinstance(entries, list) else []:
            color = _HEX.fullmatch(str(mapping(entry).get("hex", "")).strip())
            if color and len(colors) < MAX_COLORS:
                value = f"#{color[1].lower()}"
                name = _line(mapping(entry).get("name")) or value
                colors[name if name not in colors else f"{name} ({value})"] = value
    return colors


def _logo(response: KlaviyoResponse) -> Logo | None:
    images = {
        str(item.get("id")): attribute(item, "image_url")
        for item in objects(response.document, "included")
        if item.get("type") == "image"
    }
    for logo in response.resources:
        related: Any = logo
        for name in ("relationships", "image", "data", "id"):
            related = mapping(related).get(name)
        url = images.get(str(related))
        if isinstance(url, str) and url:
            return Logo(url, _line(attribute(logo, "alt_text")))
    return None


def _line(value: object) -> str:
    """Return text on one line, shortened and safe to print; empty for a value that isn't text."""
    text = value if isinstance(value, str) else ""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:80]
