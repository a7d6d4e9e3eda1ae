"""Benchmark of the button and its dialog in Chromium, part of `make bench`.

It measures a product page with a button and compressed static files: how long the dialog takes to
open, compared with just fetching its form; what the page downloads for the kit; and how long the
browser's main thread is busy, compared with the same page without the kit's script.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.pages import QUICK, running_shop, shop_requests
from benchmarks.push import running_sandbox
from tests.browser.conftest import ARGUMENTS
from tests.support import CHROMIUM

RUNS = 5 if QUICK else 25
SCRIPT = "**/notify-me/static/notify-me.js*"
READY = "customElements.whenDefined('notify-me').then(() => true)"
FETCH = """async (url) => {
  const start = performance.now();
  const reply = await fetch(url, { headers: { "X-Notify-Me": "1" }, cache: "no-store" });
  await reply.text();
  return performance.now() - start;
}"""
"""Fetch the form as the button does; return milliseconds."""
PRESS = """(link) => new Promise((resolve) => {
  const start = performance.now();
  const look = () => {
    const field = document.querySelector("dialog[open] input[name=email]");
    if (field?.getClientRects().length) resolve(performance.now() - start);
    else requestAnimationFrame(look);
  };
  link.click();
  look();
})"""
"""Press the button; return the milliseconds until the email field can be used."""
DOWNLOADS = """() => performance.getEntriesByType("resource")
  .filter((entry) => new URL(entry.name).pathname.startsWith("/notify-me/"))
  .map((entry) => entry.encodedBodySize)"""
"""Return the compressed size of each of the kit's files that the page has loaded."""


def open_page(browser: Browser, url: str) -> Page:
    """Open a product page with an empty cache."""
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.goto(url)
    page.evaluate(READY)
    return page


def form_and_dialog_times(browser: Browser, url: str, form: str) -> tuple[float, float, float]:
    """Return three durations in milliseconds: fetching the form alone, opening the dialog without
    hovering over the button first, and opening it after hovering, which fetches the form.
    """
    page = open_page(browser, url)
    alone = page.evaluate(FETCH, form)
    link = page.locator(".notify-me__button").first
    cold = link.evaluate(PRESS)
    page.context.close()
    page = open_page(browser, url)
    link = page.locator(".notify-me__button").first
    with page.expect_request_finished(lambda request: request.url == form):
        link.hover()
    warm = link.evaluate(PRESS)
    page.context.close()
    return alone, cold, warm


def main_thread_time(browser: Browser, url: str, *, with_script: bool) -> float:
    """Return how many milliseconds the main thread is busy until the page has loaded."""
    context = browser.new_context()
    page = context.new_page()
    if not with_script:
        page.route(SCRIPT, lambda route: route.fulfill(content_type="text/javascript", body=""))
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(url)
    page.evaluate("() => new Promise(requestAnimationFrame)")
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    context.close()
    return next(
        1000 * float(entry["value"]) for entry in metrics if entry["name"] == "TaskDuration"
    )


def report(browser: Browser, url: str, form: str) -> None:
    """Print the results."""
    # not counted: the first page also starts the browser's processes
    form_and_dialog_times(browser, url, form)
    rows = [form_and_dialog_times(browser, url, form) for _ in range(RUNS)]
    # the fastest run, since other programs can only make it slower
    alone, cold, warm = map(min, zip(*rows, strict=True))
    with_script, without = (
        min(main_thread_time(browser, url, with_script=flag) for _ in range(RUNS))
        for flag in (True, False)
    )
    page = open_page(browser, url)
    sizes = page.evaluate(DOWNLOADS)
    page.context.close()
    print(
        f"\nIn Chromium, fetching the form alone takes {alone:.0f} ms. The dialog can be used "
        f"{cold:.0f} ms after the button is pressed ({cold / alone:.1f} times as long), or after "
        f"{warm:.0f} ms ({warm / alone:.1f} times) if the mouse was already over the button."
    )
    print(
        f"The kit adds {len(sizes)} requests and {sum(sizes):,} bytes to the page. With its "
        f"script, the main thread is busy {with_script / without:.2f} times as long "
        f"({with_script - without:+.0f} ms)."
    )


def main() -> None:
    """Run the benchmark."""
    logging.disable(logging.INFO)
    os.environ["NO_PROXY"] = "*"
    with (
        tempfile.TemporaryDirectory() as folder,
        running_sandbox() as keys,
        running_shop(Path(folder), 50, keys) as server,
        sync_playwright() as playwright,
    ):
        site = f"http://127.0.0.1:{server.port}"
        paths = {request.name: request.path for request in shop_requests(server, 50)}
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        report(browser, site + paths["product page"], site + paths["form as a fragment"])
        browser.close()


if __name__ == "__main__":
    main()
