"""Chromium, and the demo shop on a real socket, with the sandbox as Klaviyo."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import whitenoise.compress
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from app import ROOT, create_app
from tests.sites import close, environ, in_another_thread
from tests.support import CHROMIUM, Sandbox, serve

# Only loopback names resolve, so that requests to other hosts fail, including Chromium's own.
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--no-sandbox",
    # tabs share a process, which saves an eighth of the tests' time
    "--renderer-process-limit=1",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

FIREFOX = os.environ.get("FIREFOX") or shutil.which("firefox-esr")
PREFERENCES: dict[str, bool | float | str] = {
    # turn off Firefox's own background requests
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "ui.prefersReducedMotion": 1,
}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the installed Chromium, headless and without background requests."""
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "headless": True,
        "chromium_sandbox": False,
        "args": ARGUMENTS,
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Turn off animations, which take a seventh of the browser's time."""
    return {**browser_context_args, "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def firefox(playwright: Playwright) -> Iterator[Browser]:
    """Debian's own Firefox."""
    browser = playwright.firefox.launch(
        channel="moz-firefox", executable_path=Path(FIREFOX or ""), firefox_user_prefs=PREFERENCES
    )
    yield browser
    browser.close()


@pytest.fixture
def shop(catalog_db: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """The demo shop in server mode, with a new database."""
    database = shutil.copy(catalog_db, tmp_path / "shop.db")
    app = in_another_thread(lambda: create_app(environ(Path(database), sandbox.environ())))
    yield app
    in_another_thread(lambda: close(app))


@pytest.fixture
def shop_url(shop: Flask) -> Iterator[str]:
    """The shop's URL."""
    with serve(shop) as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def compressed() -> None:
    """Compress the static files as `make test` does, for a run without make."""
    for folder in (ROOT / "static", *ROOT.glob("*/static"), *ROOT.glob("*/*/static")):
        whitenoise.compress.main(["--quiet", str(folder)])


@contextmanager
def watched(context: BrowserContext) -> Iterator[Page]:
    """A page on which an uncaught error or a CSP violation fails the test."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: _note(str(error), problems))
    page.on("console", lambda message: _violation(message.text, problems))
    yield page
    assert problems == []


def _note(text: str, problems: list[str]) -> None:
    # Chromium reports view transitions that were skipped because of another navigation
    if not text.startswith("Transition was"):
        problems.append(text)


def _violation(text: str, problems: list[str]) -> None:
    if "Content Security Policy" in text:
        problems.append(text)


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A shopper's tab, with scripts."""
    with watched(context) as page:
        yield page


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A shopper's tab, with scripts turned off."""
    context = browser.new_context(java_script_enabled=False, reduced_motion="reduce")
    with watched(context) as page:
        yield page
    context.close()
