"""Size limits of a product page, and prefetching of the form."""

from __future__ import annotations

from urllib.parse import urljoin

import requests
from playwright.sync_api import Page, expect

from tests.browser.test_sign_up import PARKA
from tests.notify_me.markup import read
from tests.support import TIMEOUT


def weight(url: str) -> int:
    """Return the size of a file in bytes, compressed with brotli."""
    with requests.get(
        url, headers={"Accept-Encoding": "br"}, stream=True, timeout=TIMEOUT
    ) as reply:
        assert reply.headers["Content-Encoding"] == "br"
        return len(reply.raw.read(decode_content=False))


def test_script_and_style_stay_within_budget(shop_url: str) -> None:
    """A product page loads at most 4.5 kB of scripts and 3 kB of the kit's CSS, with Brotli."""
    page = read(requests.get(shop_url + PARKA, timeout=TIMEOUT).text)
    scripts = [
        script["src"]
        for script in page.all("script")
        if script.get("type") != "application/ld+json"
    ]
    styles = [link["href"] for link in page.all("link", rel="stylesheet")]

    assert scripts
    assert sum(weight(urljoin(shop_url, script)) for script in scripts) <= 4500
    kit = [urljoin(shop_url, style) for style in styles if style.startswith("/notify-me/")]
    assert 0 < sum(map(weight, kit)) <= 3000


def test_prefetched_form_is_not_fetched_again(page: Page, shop_url: str) -> None:
    """Hovering fetches the form, and a click then sends no further request."""
    forms: list[str] = []
    page.on(
        "request",
        lambda request: forms.append(request.url) if "%3A%3A%3A" in request.url else None,
    )
    page.goto(shop_url + PARKA)
    button = page.get_by_role("link", name="Notify me: Haar Parka")
    with page.expect_response("**/notify-me/%24custom*"):
        button.hover()
    button.click()
    expect(page.get_by_role("dialog")).to_be_visible()

    assert len(forms) == 1
